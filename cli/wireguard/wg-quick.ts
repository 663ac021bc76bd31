import { addressRange, contains, prefixRange, subtractPrefixes } from '#model/ip-range.ts';

/** What a device has to know to come by WireGuard. */
export interface DeviceConfig {
  /** `acme/laptop`. */
  readonly device: string;
  /** In base64; undefined: whoever has it puts it in. */
  readonly privateKey: string | undefined;
  /** Its own, without lengths. */
  readonly addresses: readonly string[];
  /** What lies behind it: never led into the tunnel. */
  readonly networks: readonly string[];
  /** What the tenant's networks are, as prefixes. */
  readonly tenantPrefixes: readonly string[];
  /** Whether all else goes through the tunnel too. */
  readonly everything: boolean;
  readonly resolvers: readonly string[];
  readonly mtu: number;
  readonly edgeKey: string;
  readonly presharedKey: string | undefined;
  /** Whether the edge wants a preshared key, which nobody but the device can know. */
  readonly wantsPresharedKey: boolean;
  readonly endpoint: string;
  /** 0: none. */
  readonly keepaliveSeconds: number;
  /** Given where the device is one of a site's, which may have another tunnel beside this one. */
  readonly site?: SiteTunnel | undefined;
}

/** How a site's router tells its tunnels apart. */
export interface SiteTunnel {
  readonly metric: number;
  /** Of routes for what the router itself says by the tunnel's addresses; no other tunnel has it. */
  readonly table: number;
}

/**
 * Bytes of the largest packet inside. 1,500 outside leave 1,420: 40 are of IPv6, 8 of UDP, 32 of WireGuard, and who comes by
 * IPv4 today may come by IPv6 tomorrow. A worker's way to the internet carries 1,400 (`[tun] mtu`): beyond that servers would
 * have to be told by ICMP, which many never hear.
 */
export const DEFAULT_MTU = 1400;

/** Of a site's routes; `failover.sh` of docs/wireguard.md goes before. */
const ROUTE_METRIC = 1000;

const EVERYTHING = ['0.0.0.0/0', '::/0'];

/** What leads into the tunnel. */
export const allowedIps = ({ everything, tenantPrefixes, networks }: DeviceConfig): string[] =>
  everything ? EVERYTHING : subtractPrefixes([...new Set(tenantPrefixes)], networks);

/** Those that the tunnel leads to: another one would be asked outside of it, as before, without our help. */
const reachable = (resolvers: readonly string[], prefixes: readonly string[]): string[] =>
  resolvers.filter((text) => {
    const range = addressRange(text);
    return range !== undefined && prefixes.some((prefix) => contains(prefixRange(prefix), range));
  });

const withLength = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

const familyOf = (text: string): string => (text.includes(':') ? '-6' : '-4');

/**
 * Routes of a site's tunnel, which wg-quick would make without metrics, so that a second tunnel could not have them; and a way
 * back for what is asked at the tunnel's own addresses.
 */
const siteRoutes = (
  { metric, table }: SiteTunnel,
  addresses: readonly string[],
  allowed: readonly string[],
): string[] => [
  'Table = off',
  ...allowed.map(
    (prefix) => `PostUp = ip ${familyOf(prefix)} route add ${prefix} dev %i metric ${ROUTE_METRIC + metric}`,
  ),
  ...addresses.flatMap((address) => {
    const family = familyOf(address);
    const rule = `from ${address} lookup ${table}`;
    return [
      `PostUp = ip ${family} route add default dev %i table ${table}; ip ${family} rule add ${rule}`,
      `PostDown = ip ${family} rule del ${rule}`,
    ];
  }),
];

/** The file that wg-quick and the clients for telephones take (`man wg-quick`), without its comments. */
export const wgQuick = (config: DeviceConfig): string => {
  const { privateKey, addresses, mtu, edgeKey, presharedKey, endpoint, keepaliveSeconds, site } = config;
  const allowed = allowedIps(config);
  // A site's router is no host that asks by the tunnel: hosts behind it have resolvers of their network.
  const resolvers = site === undefined ? reachable(config.resolvers, allowed) : [];
  return [
    '[Interface]',
    `PrivateKey = ${privateKey ?? '<the private key of the device>'}`,
    `Address = ${addresses.map(withLength).join(', ')}`,
    ...(resolvers.length > 0 ? [`DNS = ${resolvers.join(', ')}`] : []),
    `MTU = ${mtu}`,
    ...(site === undefined ? [] : siteRoutes(site, addresses, allowed)),
    '',
    '[Peer]',
    `PublicKey = ${edgeKey}`,
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    `AllowedIPs = ${allowed.join(', ')}`,
    `Endpoint = ${endpoint}`,
    ...(keepaliveSeconds > 0 ? [`PersistentKeepalive = ${keepaliveSeconds}`] : []),
    '',
  ].join('\n');
};

/** The same for people: what is left to do stands at its place. */
export const explained = (config: DeviceConfig): string => {
  const needsPresharedKey = config.wantsPresharedKey && config.presharedKey === undefined;
  return `# ${config.device}\n${wgQuick(config)}`
    .replace(/^(?=PrivateKey = <)/m, '# It never leaves the device: `wg genkey` made it.\n')
    .replace(
      /^(?=AllowedIPs)/m,
      needsPresharedKey
        ? '# It is shown to nobody; the device has it.\nPresharedKey = <the preshared key of the device>\n'
        : '',
    );
};
