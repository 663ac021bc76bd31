import type { Rule } from '../rule.ts';

/**
 * RFC 9234 for neighbours that know nothing of ONLY_TO_CUSTOMER: what has come from a provider, a peer or a route server
 * goes to customers only.
 */
export const noLeaks: readonly Rule[] = [
  {
    name: 'not for this neighbour',
    match: { fromRoles: ['provider', 'peer', 'route-server'], toRoles: ['provider', 'peer', 'route-server'] },
    end: 'reject',
  },
];

/** RFC 6811 §3: what some AS has no right to originate. */
export const rpki: readonly Rule[] = [{ name: 'invalid origin', match: { rpki: ['invalid'] }, end: 'reject' }];
