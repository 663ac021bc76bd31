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
}

/**
 * Bytes of the largest packet inside. 1,500 outside leave 1,420: 40 are of IPv6, 8 of UDP, 32 of WireGuard, and who comes by
 * IPv4 today may come by IPv6 tomorrow. A worker's way to the internet carries 1,400 (`[tun] mtu`): beyond that servers would
 * have to be told by ICMP, which many never hear.
 */
export const DEFAULT_MTU = 1400;

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

/** The file that wg-quick and the clients for telephones take (`man wg-quick`), without its comments. */
export const wgQuick = (config: DeviceConfig): string => {
  const { privateKey, addresses, mtu, edgeKey, presharedKey, endpoint, keepaliveSeconds } = config;
  const allowed = allowedIps(config);
  const resolvers = reachable(config.resolvers, allowed);
  return [
    '[Interface]',
    `PrivateKey = ${privateKey ?? '<the private key of the device>'}`,
    `Address = ${addresses.map(withLength).join(', ')}`,
    ...(resolvers.length > 0 ? [`DNS = ${resolvers.join(', ')}`] : []),
    `MTU = ${mtu}`,
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
