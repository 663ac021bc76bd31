import type { Prefix } from '#protocol/ip/text.ts';
import { prefixContains, prohibition } from '#protocol/masque/target-policy.ts';
import type { LiveTunnel } from './endings.ts';

/** What would be other than it is. */
export interface Outlook {
  /** Tenants with other networks; none: the tenant would be gone. */
  readonly tenants: ReadonlyMap<string, readonly Prefix[]>;
  /** Destinations that would be refused besides those that are, and the exceptions, which go before. */
  readonly refused: readonly Prefix[];
  readonly allowed: readonly Prefix[];
}

/** A refused prefix of fewer bits is no destination but the internet: fc00::/7 is the shortest that means something. */
const WAY_OUT_BITS = 7;

/** Whether a tunnel would be of no use any more. */
export const wouldCut = ({ tenants, refused, allowed }: Outlook): ((tunnel: LiveTunnel) => boolean) => {
  const policy = { deny: refused, allow: allowed };
  const noWayOut = refused.some(({ length }) => length < WAY_OUT_BITS);
  return ({ admitted, destination }) => {
    const networks = tenants.get(admitted.tenant);
    if (networks?.length === 0) return true;
    if (destination !== undefined) return prohibition(destination, policy) !== undefined;
    if (noWayOut && admitted.egress) return true;
    const isInside = ({ address }: Prefix): boolean => networks?.some((own) => prefixContains(own, address)) ?? true;
    return !admitted.sources.every(isInside);
  };
};
