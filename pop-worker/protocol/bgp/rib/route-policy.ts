/** What `RoutePolicy.apply` returns for a route that is not to be taken, or not to be sent. */
export const REJECT = -1;

/** Index of our own routes, in place of a neighbour's. */
export const OWN = 0;

/**
 * What is made of a route on its way in from a neighbour, or out to one. Routes are known by numbers: nothing is allocated
 * for one that is left as it is.
 */
export interface RoutePolicy {
  /** Whether it may set MULTI_EXIT_DISC: what another AS has set is taken off before (RFC 4271 §5.1.4), not behind it. */
  readonly setsMed: boolean;
  /**
   * @param source index of the neighbour that the route has come from, or `OWN`
   * @param destination id of the prefix or flow specification, among those of its family
   * @param attributes id of the set; never to be released by the policy
   * @returns the same id, that of another set with a reference that goes to the caller, or `REJECT`
   */
  apply(source: number, family: number, destination: number, attributes: number): number;
}

/** RFC 8212: without a policy, nothing. */
export const REJECT_ALL: RoutePolicy = { setsMed: false, apply: () => REJECT };

export const ACCEPT_ALL: RoutePolicy = {
  setsMed: false,
  apply: (_source, _family, _destination, attributes) => attributes,
};
