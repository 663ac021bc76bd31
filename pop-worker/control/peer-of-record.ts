import { addressRange, parsePrefixRange } from '#model/ip-range.ts';
import { isUsablePublicKey, parseWireguardEndpoint, WIREGUARD_KEY_BYTES } from '#model/wireguard.ts';
import { neverEndpoint } from '#model/wireguard-endpoint.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import type { SealedKeyFault } from './sealed-key.ts';

/** What of a record cannot be used. */
export type RefusedPeer = LabelsOf<'cloudbridge_control_refused_peers_count'>['reason'];

const LAST_NUMBER = 2 ** 24 - 1;
const LONGEST_KEEPALIVE_SECONDS = 65_535;
const MOST_METRIC = 255;

/** Its own addresses, and what lies behind it. */
const sourcesOf = ({ ipv4Address, ipv6Address, networks }: WireguardPeer): string[] => [
  ...(ipv4Address === '' ? [] : [`${ipv4Address}/32`]),
  ...(ipv6Address === '' ? [] : [`${ipv6Address}/128`]),
  ...networks,
];

/**
 * What data-plane threads take of a record, or why it cannot be used.
 *
 * @param egress of its network
 * @param presharedKey as `PresharedKeys.get`
 */
export const peerOfRecord = (
  record: WireguardPeer,
  egress: boolean,
  presharedKey: Uint8Array | SealedKeyFault | undefined,
): WireGuardPeer | RefusedPeer => {
  const { tenant, device, number, publicKey, keepaliveSeconds } = record;
  if (number < 1 || number > LAST_NUMBER) return 'number';
  if (publicKey.length !== WIREGUARD_KEY_BYTES || !isUsablePublicKey(publicKey)) return 'public_key';
  const sources = sourcesOf(record);
  if (sources.length === 0 || sources.some((prefix) => typeof parsePrefixRange(prefix) === 'string')) return 'sources';
  const endpoint = record.endpoint === '' ? undefined : parseWireguardEndpoint(record.endpoint);
  if (record.endpoint !== '' && endpoint?.isAddress !== true) return 'endpoint';
  const place = endpoint === undefined ? undefined : addressRange(endpoint.host);
  if (place !== undefined && neverEndpoint(place) !== undefined) return 'endpoint';
  if (keepaliveSeconds > LONGEST_KEEPALIVE_SECONDS) return 'keepalive';
  if (typeof presharedKey === 'string') return presharedKey;
  return {
    // A copy: what NATS gave lies in a larger buffer, all of which would go to a thread.
    ...{ tenant, device, number, publicKey: Uint8Array.from(publicKey), sources, egress },
    ...(presharedKey && { presharedKey }),
    ...(endpoint && { endpoint: { address: endpoint.host, port: endpoint.port } }),
    ...(keepaliveSeconds > 0 && { keepaliveSeconds }),
    ...(record.site !== '' && { site: record.site, metric: Math.min(record.metric, MOST_METRIC) }),
    ...(record.probe !== '' && { probe: record.probe }),
  };
};
