import type { Explanation } from '#protocol/bgp/policy/explain.ts';
import type { RpkiName } from '#protocol/bgp/policy/rule.ts';
import type { AttributeRows } from '#protocol/bgp/rib/attribute-rows.ts';

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
  /** On its way out: attributes as they are sent; absent: it is not sent. */
  readonly told?: AttributeRows | undefined;
  /** Why it is not sent, whatever policy says; a sentence. */
  readonly withheld?: string | undefined;
}

/** What policies make of a prefix. */
export interface PrefixExplained {
  /** The one that was asked for; of an address, the longest that it is in. */
  readonly prefix: string;
  /** None: there is no path. */
  readonly routes: readonly ExplainedRoute[];
}
