import { addressBits } from '../wire/families.ts';
import { type PolicyRoute, RpkiState } from './route.ts';

/** What the RPKI says of a route (RFC 6811 §2); of one without a prefix, or where nothing is known: not found. */
export const validityOf = (route: PolicyRoute): RpkiState => {
  const { context, attributes, family } = route;
  const { validator, store, localAs } = context;
  if (validator === undefined || !route.hasPrefix()) return RpkiState.notFound;
  // RFC 6811 §2: a route of our own has our AS; the route of an AS_SET has none.
  const isLocal = store.columns.pathLength[attributes] === 0;
  const originAs = isLocal ? localAs : (store.columns.originAs[attributes] as number);
  return validator.state(addressBits(family), route.address, route.length, originAs);
};
