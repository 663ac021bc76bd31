/** What of a session decides how its UPDATEs are read. */
export interface UpdateRules {
  /** Of AS numbers in AS_PATH and AGGREGATOR: 4 when both sides have the capability of RFC 6793. */
  readonly asBytes: 2 | 4;
  /** The neighbour is of another AS. */
  readonly isExternal: boolean;
  /** AS that has to be the leftmost one of AS_PATH (RFC 4271 §6.3); 0 for a neighbour, such as a route server, of which this is not asked. */
  readonly firstAs: number;
  /** AS_SET is taken, in spite of RFC 9774 §3. */
  readonly takesAsSets: boolean;
  /** Families that both sides have (RFC 4760 §8) and no error has disabled; IPv4 unicast is among them when neither tells of any. */
  readonly families: readonly number[];
  /** Those in which prefixes come with path identifiers (RFC 7911 §5). */
  readonly pathIdFamilies: readonly number[];
  /** Those of IPv4 whose next hop may be of IPv6 (RFC 8950 §4). */
  readonly ipv6NextHopFamilies: readonly number[];
}
