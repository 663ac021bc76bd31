import {
  ANYCAST_PREFIXES,
  AS_NUMBERS,
  addressOf,
  DEVICES6,
  type Link,
  OUTSIDE_PREFIX,
  type Topology,
} from './topology.ts';

export const FAMILIES = ['v4', 'v6'] as const;
export type AddressFamily = (typeof FAMILIES)[number];

/** How both ends of a PoP's link notice that the other is gone (RFC 5880). */
export const BFD = { intervalMs: 50, multiplier: 3 } as const;
/** Seconds; BFD is quicker. */
export const HOLD_SECONDS = 9;

const CHANNEL = { v4: 'ipv4', v6: 'ipv6' } as const;
const ANYWHERE = { v4: '0.0.0.0/0', v6: '::/0' } as const;

/** The name of a session in BIRD. */
export const sessionOf = (pop: string, family: AddressFamily): string => `${pop}_${family}`;

// A worker that was killed has no forwarding state that would be worth keeping its routes for; and it is back at once.
const TEMPLATE = `template bgp pop {
  hold time ${HOLD_SECONDS};
  ttl security on;
  bfd on;
  graceful restart off;
  long lived graceful restart off;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 1;
}`;

/** The anycast prefix; outside addresses of devices, each PoP's own and those of all for the time that one is gone; their IPv6. */
const ANNOUNCED = {
  v4: `${ANYCAST_PREFIXES.v4}, ${OUTSIDE_PREFIX}{26,28}`,
  v6: `${ANYCAST_PREFIXES.v6}, ${DEVICES6}{48,64}`,
} as const;

const familyProtocols = (family: AddressFamily): string => `filter anycast_${family} {
  if net !~ [ ${ANNOUNCED[family]} ] then reject;
  # RFC 8326 §4.3: whoever is about to leave is the last choice.
  if (65535, 0) ~ bgp_community then bgp_local_pref = 0;
  accept;
}
protocol kernel kernel_${family} {
  ${CHANNEL[family]} { import none; export where source = RTS_BGP; };
}
protocol static default_${family} {
  ${CHANNEL[family]};
  route ${ANYWHERE[family]} unreachable;
}`;

const session = (
  { upstream, host }: Link,
  family: AddressFamily,
): string => `protocol bgp ${sessionOf(host.host, family)} from pop {
  local ${addressOf(upstream[family])} as ${AS_NUMBERS.upstream};
  neighbor ${addressOf(host[family])} as ${AS_NUMBERS.edge};
  interface "${upstream.device}";
  ${CHANNEL[family]} { import filter anycast_${family}; export where proto = "default_${family}"; };
}`;

/**
 * `upstream` as BIRD: each PoP is a neighbour by each address family, may announce the anycast prefixes and nothing else,
 * and is told a default route.
 */
export const birdConfig = ({ pops, links }: Topology): string => {
  const ofPops = links.filter(({ host }) => pops.includes(host.host));
  return `${[
    'router id 203.0.113.1;',
    'log stderr all;',
    'timeformat base iso long ms;',
    'timeformat log iso long ms;',
    'timeformat protocol iso long ms;',
    'timeformat route iso long ms;',
    'protocol device {}',
    `protocol bfd {
  interface "to-*" {
    min rx interval ${BFD.intervalMs} ms; min tx interval ${BFD.intervalMs} ms; multiplier ${BFD.multiplier};
  };
}`,
    ...FAMILIES.map(familyProtocols),
    TEMPLATE,
    ...ofPops.flatMap((link) => FAMILIES.map((family) => session(link, family))),
  ].join('\n')}\n`;
};
