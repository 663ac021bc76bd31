import type { Explanation } from '#protocol/bgp/policy/explain.ts';
import type { RpkiName } from '#protocol/bgp/policy/rule.ts';

/** What policy makes of one path of a prefix, on its way in or out; plain, so that it can be posted. */
export interface ExplainedRoute {
  /** Name of the neighbour that it is from; `own`: it begins here. */
  readonly from: string;
  /** Name of the neighbour that it would go to; absent: it is on its way in. */
  readonly to?: string;
  readonly isBest: boolean;
  /** What the RPKI says of its origin (RFC 6811), of a path on its way in; absent where there is no cache. */
  readonly rpki?: RpkiName | undefined;
  readonly explanation: Explanation;
}
