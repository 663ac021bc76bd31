import type { PacketSample } from './sample.ts';

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const SYN = 0x02;
const ACK = 0x10;
const DNS = 53;
const QUIC_PORT = 443;
/** RFC 9000 §17.2: the first byte of a long header. */
const LONG_HEADER = 0x80;

/** UDP services that answer many bytes to few: by their port, what amplifies. */
export const REFLECTORS: ReadonlyMap<number, string> = new Map([
  [17, 'quote of the day'],
  [19, 'chargen'],
  [53, 'DNS'],
  [69, 'TFTP'],
  [111, 'portmap'],
  [123, 'NTP'],
  [137, 'NetBIOS'],
  [161, 'SNMP'],
  [389, 'CLDAP'],
  [520, 'RIP'],
  [1900, 'SSDP'],
  [3283, 'ARD'],
  [3702, 'WS-Discovery'],
  [5353, 'mDNS'],
  [5683, 'CoAP'],
  [11_211, 'memcached'],
]);

export type DetectorKind =
  | 'syn'
  | 'reflection'
  | 'initial'
  | 'dns'
  | 'icmp'
  | 'volumetric'
  | 'above-baseline'
  | 'carpet';

/** Above either, a window counts. A second, of one target; of a carpet: of all targets of one network. */
export interface Limit {
  readonly packets: number;
  readonly bits: number;
}

export interface Detector {
  readonly kind: DetectorKind;
  /** What it looks at: one address, or its network. */
  readonly scope: 'target' | 'network';
  /** Which packets; absent: all but those that a detector of its own has found already. */
  readonly matches?: (sample: PacketSample) => boolean;
  /** Unless something else is said; of `above-baseline`: at least. */
  readonly limit: Limit;
  /** Windows in a row until it is an attack, each with the two before it above the limit. */
  readonly windows: number;
  readonly reason: string;
}

const isUdp = (sample: PacketSample): boolean => sample.protocol === UDP && sample.hasPorts;

/** All detectors; the place is the number that tracks know them by. */
export const DETECTORS = [
  {
    ...{ kind: 'syn', scope: 'target', windows: 5, limit: { packets: 20_000, bits: 1e9 } },
    matches: ({ protocol, tcpFlags }) => protocol === TCP && (tcpFlags & (SYN | ACK)) === SYN,
    reason: 'more connections are asked for than a service is asked for',
  },
  {
    ...{ kind: 'reflection', scope: 'target', windows: 5, limit: { packets: 20_000, bits: 2.5e8 } },
    matches: (sample) => isUdp(sample) && REFLECTORS.has(sample.sourcePort),
    reason: 'answers of UDP services that amplify',
  },
  {
    ...{ kind: 'initial', scope: 'target', windows: 5, limit: { packets: 20_000, bits: 2.5e8 } },
    matches: (sample) =>
      isUdp(sample) && sample.targetPort === QUIC_PORT && ((sample.payload[0] ?? 0) & LONG_HEADER) !== 0,
    reason: 'more QUIC handshakes are begun than a service is asked for',
  },
  {
    ...{ kind: 'dns', scope: 'target', windows: 5, limit: { packets: 30_000, bits: 2.5e8 } },
    matches: (sample) => sample.targetPort === DNS && sample.hasPorts,
    reason: 'more DNS queries than a server is asked',
  },
  {
    ...{ kind: 'icmp', scope: 'target', windows: 5, limit: { packets: 10_000, bits: 1e8 } },
    matches: ({ protocol }) => protocol === ICMP || protocol === ICMPV6,
    reason: 'more ICMP than anybody needs',
  },
  {
    ...{ kind: 'volumetric', scope: 'target', windows: 5, limit: { packets: 200_000, bits: 1.5e9 } },
    reason: 'more packets or bits than one target gets',
  },
  {
    ...{ kind: 'above-baseline', scope: 'target', windows: 10, limit: { packets: 40_000, bits: 4e8 } },
    reason: 'several times what this target has had',
  },
  {
    ...{ kind: 'carpet', scope: 'network', windows: 5, limit: { packets: 200_000, bits: 1.5e9 } },
    reason: 'many targets of one network at once, each below its own limit',
  },
] as const satisfies readonly Detector[];
