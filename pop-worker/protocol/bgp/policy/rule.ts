/** Route policy as data: what configuration files and the API hold. Texts are checked and understood by `readPolicies`. */

/** What a route is asked. All that is there has to hold; of a list, one entry has to. */
export interface Match {
  readonly families?: readonly FamilyName[] | undefined;
  /**
   * `192.0.2.0/24`: that prefix; `10.0.0.0/8 ge 9 le 24`: those inside of it, by their length; `@name`: any of a prefix
   * list. Flow specifications are in none.
   */
  readonly prefixes?: readonly string[] | undefined;
  /**
   * Standard, `64500:100`, or a name such as `blackhole`; large, `64500:1:100`; extended, `rt:64500:100`, `ro:192.0.2.1:7`,
   * or eight bytes as `0x…`. A number may be `*` or a range, `1-100`.
   */
  readonly communities?: readonly string[] | undefined;
  /** All of them, not one. */
  readonly allCommunities?: readonly string[] | undefined;
  /** Patterns of a whole AS path, as `parsePathPattern` has them. */
  readonly paths?: readonly string[] | undefined;
  /** Names or addresses of neighbours that the route has come from; `own`: it is ours. */
  readonly from?: readonly string[] | undefined;
  /** What that neighbour is to us (RFC 9234). */
  readonly fromRoles?: readonly RoleName[] | undefined;
  /** Of the neighbour that it would go to: export only. */
  readonly to?: readonly string[] | undefined;
  readonly toRoles?: readonly RoleName[] | undefined;
  /** Prefixes, as in `prefixes`, that the next hop is in. */
  readonly nextHops?: readonly string[] | undefined;
  /** Of origin validation (RFC 6811); without any source of it, all are `not-found`. */
  readonly rpki?: readonly RpkiName[] | undefined;
  readonly origins?: readonly OriginName[] | undefined;
  /** Of a route without LOCAL_PREF: 100. */
  readonly localPref?: Range | undefined;
  /** A route without MULTI_EXIT_DISC is in no range. */
  readonly med?: Range | undefined;
  /** As decisions count it: a set is one. */
  readonly pathLength?: Range | undefined;
  /** Codes of path attributes that it has. */
  readonly attributes?: readonly number[] | undefined;
  /** It does not match this. */
  readonly not?: Omit<Match, 'not'> | undefined;
}

/** Both ends are in it; an end that is absent is open. */
export interface Range {
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** What is changed of a route. Later rules see it so. */
export interface Changes {
  readonly localPref?: number | undefined;
  /** `none`: without one. */
  readonly med?: number | 'none' | undefined;
  readonly origin?: OriginName | undefined;
  /** An address; `self`: ours, towards whom it goes. */
  readonly nextHop?: string | undefined;
  /** Put before the path, besides the one time that BGP asks for. */
  readonly prepend?:
    | { readonly times: number /** Ours, when it is absent. */; readonly as?: number | undefined }
    | undefined;
  /** Patterns, of all three kinds; done before adding. */
  readonly removeCommunities?: readonly string[] | undefined;
  readonly addCommunities?: readonly string[] | undefined;
}

/** `return`: back to the rule set that called this one. */
export type Ending = 'accept' | 'reject' | 'return';

/** Done in this order: match, set, call, end. Without `end`, or when it does not match, the next rule is asked. */
export interface Rule {
  /** For people; `rule 3` when it is absent. */
  readonly name?: string | undefined;
  /** Absent: every route. */
  readonly match?: Match | undefined;
  readonly set?: Changes | undefined;
  /** A rule set; what it accepts or rejects is done with. */
  readonly call?: string | undefined;
  readonly end?: Ending | undefined;
}

/** Lists that rules name as `@name`. */
export interface RuleLists {
  readonly prefixLists?: Readonly<Record<string, readonly string[]>> | undefined;
  /** AS numbers and ranges, `64512-65534`, for path patterns. */
  readonly asLists?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** A route that no rule accepts is rejected. */
export interface Policies extends RuleLists {
  readonly ruleSets: Readonly<Record<string, readonly Rule[]>>;
  /** Lists of one rule set alone, by its name; asked before those of all. */
  readonly ownLists?: Readonly<Record<string, RuleLists>> | undefined;
}

export const FAMILY_NAMES = ['ipv4-unicast', 'ipv6-unicast', 'ipv4-flow', 'ipv6-flow'] as const;
export type FamilyName = (typeof FAMILY_NAMES)[number];

/** By the numbers of RFC 9234 §4.1. */
export const ROLE_NAMES = ['provider', 'route-server', 'route-server-client', 'customer', 'peer'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** By the numbers of `RpkiState`. */
export const RPKI_NAMES = ['not-found', 'valid', 'invalid'] as const;
export type RpkiName = (typeof RPKI_NAMES)[number];

/** By the numbers of RFC 4271 §4.3 a. */
export const ORIGIN_NAMES = ['igp', 'egp', 'incomplete'] as const;
export type OriginName = (typeof ORIGIN_NAMES)[number];

/** In `from`: a route of our own. */
export const OWN_NAME = 'own';
