import type { WorkerConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import type { DesiredState } from './desired-state.ts';
import type { ControlListener } from './source.ts';

/** A revision's tenants as the state has them. */
export const prefixesByTenant = ({ tenants }: WorkerConfig): ReadonlyMap<string, readonly string[]> =>
  new Map(tenants.map(({ tenant, prefixes }) => [tenant, prefixes]));

/**
 * Share (0 to 1) of the present tunnels that a revision would cut off: those that it ends, those whose addresses lead
 * nowhere any more, and all of them when nobody's token would be good for another connection.
 */
export const shareCut = async (
  state: DesiredState,
  listener: Pick<ControlListener, 'assess'>,
  next: WorkerConfig,
): Promise<number> => {
  const { tunnels, cut } = await listener.assess(state.outlook(prefixesByTenant(next), next.refusedPrefixes));
  if (tunnels === 0) return 0;
  return endsTokens(state, next) ? 1 : cut / tunnels;
};

/** Another issuer, or none of the keys that tokens are signed by now. */
const endsTokens = ({ jwks, issuer }: DesiredState, next: WorkerConfig): boolean => {
  const present = keyNames(jwks);
  if (present.size === 0) return false;
  const later = keyNames(next.jwks);
  return next.tokenIssuer !== issuer || ![...present].some((name) => later.has(name));
};

const keyNames = (jwks: string): ReadonlySet<string> => {
  try {
    const { keys } = JSON.parse(jwks) as { readonly keys: readonly { readonly kid?: unknown }[] };
    return new Set(keys.map((key) => (typeof key.kid === 'string' ? key.kid : JSON.stringify(key))));
  } catch {
    // No JWK set: no key.
    return new Set();
  }
};
