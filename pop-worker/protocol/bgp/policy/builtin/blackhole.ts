import type { Rule } from '../rule.ts';

/** Next hops that lead nowhere: of RFC 5737's documentation network, and RFC 6666's discard prefix. */
const DISCARD = { ipv4: '192.0.2.1', ipv6: '100::1' } as const;

/**
 * RFC 7999 §3.3: a neighbour asks that packets for an address of its own be dropped. Whoever calls it asks first whether
 * the prefix is the neighbour's. It is told no further (§3.2), and accepted whatever its length.
 */
export const blackhole: readonly Rule[] = [
  {
    name: 'ipv4',
    match: { families: ['ipv4-unicast'], communities: ['blackhole'], prefixes: ['0.0.0.0/0 ge 25'] },
    set: { nextHop: DISCARD.ipv4, addCommunities: ['no-export'] },
    end: 'accept',
  },
  {
    name: 'ipv6',
    match: { families: ['ipv6-unicast'], communities: ['blackhole'], prefixes: ['::/0 ge 65'] },
    set: { nextHop: DISCARD.ipv6, addCommunities: ['no-export'] },
    end: 'accept',
  },
];
