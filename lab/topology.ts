/** Addresses that people and checks rely on; documentation prefixes of RFC 5737 and RFC 3849. */
export const ANYCAST = { v4: '192.0.2.1', v6: '2001:db8:a::1' } as const;
export const INTERNET_HOST = { v4: '203.0.113.10', v6: '2001:db8:f::10' } as const;
/** Where NATS and the services are. */
export const CONTROL_HOST = { v4: '198.51.100.66', v6: '2001:db8:3:1::2' } as const;
export const POP_NAMES = ['moscow', 'frankfurt', 'amsterdam'] as const;
const CLIENT_NAMES = ['client1', 'client2', 'client3', 'client4', 'client5'] as const;
export const DEFAULT_LAB_NAME = 'cb';

/** What PoPs announce: no network on the internet takes shorter ones than these. */
export const ANYCAST_PREFIXES = { v4: '192.0.2.0/24', v6: '2001:db8:a::/48' } as const;
/** Outside IPv4 addresses of devices: of all PoPs, and of each. */
export const OUTSIDE_PREFIX = '198.51.100.192/26';
export const outsideOf = (pop: string): string =>
  `198.51.100.${192 + 16 * (POP_NAMES as readonly string[]).indexOf(pop)}/28`;
/** Devices' IPv6 networks are some of these (RFC 4193). */
export const DEVICES6 = 'fd00::/8';
/** AS numbers of `upstream` and of the edge (RFC 5398, RFC 6996). */
export const AS_NUMBERS = { upstream: 64500, edge: 64512 } as const;

/** One end of a link: an address of each family with its prefix length. */
export type LinkEnd = { readonly host: string; readonly device: string; readonly v4: string; readonly v6: string };

/** A veth pair between `upstream` and one other host. */
export type Link = { readonly upstream: LinkEnd; readonly host: LinkEnd };

export type Topology = {
  readonly lab: string;
  readonly hosts: readonly string[];
  readonly pops: readonly string[];
  readonly links: readonly Link[];
  /** Who tells upstream where the anycast addresses are: the PoPs, or the lab in their place. */
  readonly routing: Routing;
};

export type Routing = 'bgp' | 'static';

export const addressOf = (addressWithLength: string): string =>
  addressWithLength.slice(0, addressWithLength.indexOf('/'));

/** The far address of a host's link: where it sends what it has no better route for. */
const gatewayOf = (link: Link) => ({ v4: addressOf(link.upstream.v4), v6: addressOf(link.upstream.v6) });
const addressesOf = (link: Link) => ({ v4: addressOf(link.host.v4), v6: addressOf(link.host.v6) });

const makeLink = (name: string, [up4, down4, length4]: readonly [string, string, number], net6: string): Link => {
  const last6 = name === 'internet' ? '10' : '2';
  return {
    upstream: { host: 'upstream', device: `to-${name}`, v4: `${up4}/${length4}`, v6: `${net6}::1/64` },
    host: { host: name, device: 'upstream', v4: `${down4}/${length4}`, v6: `${net6}::${last6}/64` },
  };
};

const pointToPoint = (name: string, first: number, net6: string): Link =>
  makeLink(name, [`198.51.100.${first + 1}`, `198.51.100.${first + 2}`, 30], net6);

/**
 * A star: every host hangs on `upstream`, the router that decides which PoP gets the anycast address.
 * `pops` is how many PoPs there are, 1 to 3.
 */
export const makeTopology = (lab: string, pops: number, routing: Routing = 'static'): Topology => {
  const popNames = POP_NAMES.slice(0, pops);
  const links = [
    makeLink('internet', ['203.0.113.1', INTERNET_HOST.v4, 24], '2001:db8:f'),
    pointToPoint('control', 64, '2001:db8:3:1'),
    ...popNames.map((name, i) => pointToPoint(name, 4 * i, `2001:db8:1:${i + 1}`)),
    ...CLIENT_NAMES.map((name, i) => pointToPoint(name, 128 + 4 * i, `2001:db8:2:${i + 1}`)),
  ];
  return { lab, hosts: ['upstream', ...links.map(({ host }) => host.host)], pops: popNames, links, routing };
};

export const namespaceOf = (lab: string, host: string): string => `${lab}-${host}`;

/** Lower metric, earlier choice: upstream sends the anycast address to the first PoP whose link is up. */
const anycastMetric = (popIndex: number): number => 100 + popIndex;

// The kernel announces the carrier of a veth at once if its peer has another index, else up to a second later
// (linkwatch takes equal ones for a plain device), and IPv6 waits for that. Every host numbers its first device 2.
const FIRST_UPSTREAM_INDEX = 11;

/** `ip -batch` lines that create the veth pairs; the namespaces exist already. */
export const linkBatch = ({ lab, links }: Topology): string =>
  links
    .map(({ upstream, host }, i) => {
      const index = FIRST_UPSTREAM_INDEX + i;
      const left = `name ${upstream.device} index ${index} mtu 1500 netns ${namespaceOf(lab, upstream.host)}`;
      return `link add ${left} type veth peer name ${host.device} mtu 1500 netns ${namespaceOf(lab, host.host)}\n`;
    })
    .join('');

// Duplicate address detection would hold an address back for a second or two (RFC 4862 §5.4); here none can be taken.
const endBatch = ({ device, v4, v6 }: LinkEnd): string =>
  `address add ${v4} dev ${device}\naddress add ${v6} dev ${device} nodad\nlink set ${device} up\n`;

const defaultRoutes = (link: Link): string => {
  const { v4, v6 } = gatewayOf(link);
  return `route add default via ${v4}\nroute add default via ${v6}\n`;
};

/** `ip -batch` lines that lay or withdraw the routes by which upstream reaches the anycast address through one PoP. */
export const anycastRoutes = ({ pops, links }: Topology, pop: string, action: 'replace' | 'delete'): string => {
  const link = links.find(({ host }) => host.host === pop)!;
  const addresses = addressesOf(link);
  const metric = anycastMetric(pops.indexOf(pop));
  const families = ['v4', 'v6'] as const;
  const anycast = families.map(
    (family) => `route ${action} ${ANYCAST[family]} via ${addresses[family]} metric ${metric}\n`,
  );
  const outside = [OUTSIDE_PREFIX, outsideOf(pop)].map(
    (prefix) => `route ${action} ${prefix} via ${addresses.v4} metric ${metric}\n`,
  );
  return [...anycast, ...outside].join('');
};

// What a PoP announces and has no address for would go back to upstream by its default route, and come again.
const ANYCAST_BATCH = (['v4', 'v6'] as const)
  .map((family) => {
    const [length, noDad] = family === 'v4' ? [32, ''] : [128, ' nodad'];
    return `address add ${ANYCAST[family]}/${length} dev lo${noDad}\nroute add blackhole ${ANYCAST_PREFIXES[family]}\n`;
  })
  // While there is no worker: its TUN comes before that.
  .concat(`route add blackhole ${OUTSIDE_PREFIX} metric 4096\n`, `route add blackhole ${DEVICES6} metric 4096\n`)
  .join('');

/** `ip -batch` lines for the inside of one host's namespace: loopback, addresses, routes. */
export const hostBatch = (topology: Topology, host: string): string => {
  const { links, pops, routing } = topology;
  if (host === 'upstream') {
    const ends = links.map(({ upstream }) => endBatch(upstream)).join('');
    const laid = routing === 'static' ? pops.map((pop) => anycastRoutes(topology, pop, 'replace')) : [];
    return `link set lo up\n${ends}${laid.join('')}`;
  }
  const link = links.find((candidate) => candidate.host.host === host)!;
  const isPop = pops.includes(host);
  return `link set lo up\n${isPop ? ANYCAST_BATCH : ''}${endBatch(link.host)}${defaultRoutes(link)}`;
};

/** Hosts that pass on packets which are not for them. */
export const forwards = ({ pops }: Topology, host: string): boolean => host === 'upstream' || pops.includes(host);
