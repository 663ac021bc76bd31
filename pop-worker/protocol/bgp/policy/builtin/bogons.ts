import type { Rule } from '../rule.ts';

/** RFC 6890 and IANA's registries of special-purpose addresses: what is in no routing table of the internet. */
const BOGON_PREFIXES: readonly string[] = [
  '0.0.0.0/8 le 32',
  '10.0.0.0/8 le 32',
  '100.64.0.0/10 le 32',
  '127.0.0.0/8 le 32',
  '169.254.0.0/16 le 32',
  '172.16.0.0/12 le 32',
  '192.0.0.0/24 le 32',
  '192.0.2.0/24 le 32',
  '192.168.0.0/16 le 32',
  '198.18.0.0/15 le 32',
  '198.51.100.0/24 le 32',
  '203.0.113.0/24 le 32',
  '224.0.0.0/3 le 32',
  '2001::/23 le 128',
  '2001:db8::/32 le 128',
  '2002::/16 le 128',
  '3fff::/20 le 128',
];

/** Of IPv6, only these have been given out (RFC 4291 §2.4). */
const GLOBAL_UNICAST = '2000::/3 le 128';

/** RFC 7607, RFC 6793, RFC 5398, RFC 6996, RFC 7300: numbers that are nobody's. */
const BOGON_ASES = '23456 64496-131071 4200000000-4294967295';

export const bogons: readonly Rule[] = [
  { name: 'special addresses', match: { prefixes: BOGON_PREFIXES }, end: 'reject' },
  {
    name: 'no global addresses',
    match: { families: ['ipv6-unicast'], not: { prefixes: [GLOBAL_UNICAST, '::/0'] } },
    end: 'reject',
  },
  { name: "nobody's AS numbers", match: { paths: [`.* [${BOGON_ASES}] .*`] }, end: 'reject' },
];

/** RFC 7454 §6.1.3: what is longer, is not taken by most; what is shorter, was given to nobody, or is the default route. */
export const prefixLengths: readonly Rule[] = [
  { name: 'too long', match: { prefixes: ['0.0.0.0/0 ge 25', '::/0 ge 49'] }, end: 'reject' },
  { name: 'too short', match: { prefixes: ['0.0.0.0/0 le 7', '::/0 le 15'] }, end: 'reject' },
];
