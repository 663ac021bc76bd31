// Written by scripts/bpf/build.ts from what the compiler says of bpf/: not by hand.
import { record } from '#host/bpf/record.ts';

/** struct list_cells */
export const ListCells = record(65536, {
  of: { at: 0, bytes: 65536 },
});

/** struct prefix_v4 */
export const PrefixV4 = record(8, {
  bits: { at: 0, width: 4 },
  address: { at: 4, width: 4, isBig: true },
});

/** struct prefix_v6 */
export const PrefixV6 = record(20, {
  bits: { at: 0, width: 4 },
  address: { at: 4, bytes: 16 },
});

/** struct list_blocks */
export const ListBlocks = record(1048640, {
  hasShort: { at: 0, width: 4 },
  rest: { at: 4, bytes: 60 },
  bits: { at: 64, bytes: 1048576 },
});

/** struct bucket */
export const Bucket = record(16, {
  tag: { at: 0, width: 4 },
  time: { at: 4, width: 4 },
  tokens: { at: 8, width: 4 },
  dropped: { at: 12, width: 4 },
});

/** struct bucket_line */
export const BucketLine = record(64, {
  of: { at: 0, bytes: 64 },
});

/** struct service_key */
export const ServiceKey = record(20, {
  address: { at: 0, bytes: 16 },
  port: { at: 16, width: 2, isBig: true },
  protocol: { at: 18, width: 1 },
  isV6: { at: 19, width: 1 },
});

/** struct service */
export const Service = record(8, {
  id: { at: 0, width: 4 },
  flags: { at: 4, width: 4 },
});

/** struct service_prefix */
export const ServicePrefix = record(24, {
  bits: { at: 0, width: 4 },
  protocol: { at: 4, width: 1 },
  isV6: { at: 5, width: 1 },
  port: { at: 6, width: 2, isBig: true },
  address: { at: 8, bytes: 16 },
});

/** struct backend */
export const Backend = record(64, {
  address: { at: 0, bytes: 16 },
  source: { at: 16, bytes: 16 },
  spread: { at: 32, width: 4, isBig: true },
  nextHop: { at: 36, bytes: 6 },
  own: { at: 42, bytes: 6 },
  interface: { at: 48, width: 4 },
  service: { at: 52, width: 2 },
  mtu: { at: 54, width: 2 },
  port: { at: 56, width: 2, isBig: true },
  state: { at: 58, width: 1 },
  encapsulation: { at: 59, width: 1 },
  isV6: { at: 60, width: 1 },
  rest: { at: 61, bytes: 3 },
});

/** struct carried */
export const Carried = record(16, {
  packets: { at: 0, width: 8 },
  bytes: { at: 8, width: 8 },
});

/** struct kept */
export const Kept = record(8, {
  flowSeed: { at: 0, bytes: 8 },
});

/** struct connection_line */
export const ConnectionLine = record(64, {
  of: { at: 0, bytes: 64 },
});

/** struct count */
export const Count = record(16, {
  packets: { at: 0, width: 8 },
  bytes: { at: 8, width: 8 },
});

/** struct aes_tables */
export const AesTables = record(1280, {
  mixed: { at: 0, bytes: 1024 },
  plain: { at: 1024, bytes: 256 },
});

/** struct quic_config */
export const QuicConfig = record(180, {
  mode: { at: 0, width: 1 },
  serverBytes: { at: 1, width: 1 },
  nonceBytes: { at: 2, width: 1 },
  encodesLength: { at: 3, width: 1 },
  keys: { at: 4, bytes: 176 },
});

/** struct server */
export const Server = record(20, {
  service: { at: 0, width: 2 },
  config: { at: 2, width: 1 },
  rest: { at: 3, width: 1 },
  id: { at: 4, bytes: 16 },
});

/** struct sampling */
export const Sampling = record(8, {
  every: { at: 0, width: 4 },
  rest: { at: 4, width: 4 },
});

/** struct sampled */
export const Sampled = record(24, {
  seen: { at: 0, width: 4 },
  owed: { at: 4, width: 4 },
  taken: { at: 8, width: 8 },
  lost: { at: 16, width: 8 },
});

/** struct limit */
export const Limit = record(8, {
  rate: { at: 0, width: 4 },
  burst: { at: 4, width: 4 },
});

/** struct settings */
export const Settings = record(136, {
  seed: { at: 0, bytes: 8 },
  limitMaskV4: { at: 8, bytes: 8 },
  limitMaskV6: { at: 16, bytes: 8 },
  limitLines: { at: 24, width: 4 },
  fragments: { at: 28, width: 4 },
  hasLists: { at: 32, width: 1 },
  hasCoarseClock: { at: 33, width: 1 },
  dropsOptions: { at: 34, width: 1 },
  dropsMartians: { at: 35, width: 1 },
  limits: { at: 36, bytes: 64 },
  connectionLines: { at: 100, width: 4 },
  flowSeed: { at: 104, bytes: 8 },
  timeouts: { at: 112, bytes: 16 },
  timeShift: { at: 128, width: 1 },
  hasServices: { at: 129, width: 1 },
  hasAnyPort: { at: 130, width: 1 },
  hasServicePrefixes: { at: 131, width: 1 },
  hasQuic: { at: 132, width: 1 },
  answersEcho: { at: 133, width: 1 },
});

/** struct names */
export const Names = record(8, {
  listCell: { at: 0, width: 4 },
  limitClass: { at: 4, width: 4 },
});

/** struct balance_names */
export const BalanceNames = record(20, {
  serviceFlag: { at: 0, width: 4 },
  backendState: { at: 4, width: 4 },
  encapsulation: { at: 8, width: 4 },
  connectionState: { at: 12, width: 4 },
  quicMode: { at: 16, width: 4 },
});

/** struct sample */
export const Sample = record(80, {
  time: { at: 0, width: 8 },
  source: { at: 8, bytes: 16 },
  target: { at: 24, bytes: 16 },
  bytes: { at: 40, width: 4 },
  every: { at: 44, width: 4 },
  interface: { at: 48, width: 4 },
  sourcePort: { at: 52, width: 2, isBig: true },
  targetPort: { at: 54, width: 2, isBig: true },
  protocol: { at: 56, width: 1 },
  flags: { at: 57, width: 1 },
  tcpFlags: { at: 58, width: 1 },
  hops: { at: 59, width: 1 },
  icmpType: { at: 60, width: 1 },
  icmpCode: { at: 61, width: 1 },
  outcome: { at: 62, width: 1 },
  payloadBytes: { at: 63, width: 1 },
  payload: { at: 64, bytes: 16 },
});

/** struct sample_names */
export const SampleNames = record(88, {
  sample: { at: 0, bytes: 80 },
  packetFlags: { at: 80, width: 4 },
});

/** enum list_action */
export const ListAction = {
  none: 0,
  allow: 1,
  deny: 2,
} as const;

/** enum choice */
export const Choice = {
  known: 0,
  new: 1,
  moved: 2,
  unkept: 3,
  named: 4,
  unnamed: 5,
  nobody: 6,
} as const;

/** enum counter */
export const Counter = {
  passed: 0,
  notIp: 1,
  dropMalformed: 2,
  dropMartian: 3,
  dropFragment: 4,
  dropOptions: 5,
  dropDenied: 6,
  allowed: 7,
  dropLimited: 8,
  balanced: 9,
  answeredEcho: 10,
  answeredTooBig: 11,
  dropTooBig: 12,
  dropNoBackend: 13,
  dropNoRoom: 14,
  dropServiceFragment: 15,
} as const;

/** enum fragments */
export const Fragments = {
  pass: 0,
  dropLater: 1,
  drop: 2,
} as const;

/** enum list_cell */
export const ListCell = {
  action: 3,
  hasAddresses: 4,
  hasPrefixes: 8,
} as const;

/** enum limit_class */
export const LimitClass = {
  other: 0,
  syn: 1,
  initial: 2,
  icmp: 3,
  fragment: 4,
  udp: 5,
} as const;

/** enum service_flag */
export const ServiceFlag = {
  bySource: 1,
  quic: 2,
} as const;

/** enum backend_state */
export const BackendState = {
  gone: 0,
  up: 1,
  draining: 2,
  down: 3,
} as const;

/** enum encapsulation */
export const Encapsulation = {
  ipip: 0,
  gue: 1,
  direct: 2,
} as const;

/** enum connection_state */
export const ConnectionState = {
  new: 0,
  tcp: 1,
  udp: 2,
  closing: 3,
} as const;

/** enum quic_mode */
export const QuicMode = {
  none: 0,
  plain: 1,
  block: 2,
} as const;

/** enum packet_flags */
export const PacketFlags = {
  v6: 1,
  fragment: 2,
  laterFragment: 4,
  options: 8,
} as const;

export const MAPS = {
  listCells: { name: 'list_cells', key: 4, value: ListCells, most: 256 },
  listedAddresses: { name: 'listed_addresses', key: 4, value: 4, most: 131072 },
  listedV4: { name: 'listed_v4', key: PrefixV4, value: 4, most: 131072 },
  listedV6: { name: 'listed_v6', key: PrefixV6, value: 4, most: 131072 },
  listBlocks: { name: 'list_blocks', key: 4, value: ListBlocks, most: 1 },
  limits: { name: 'limits', key: 4, value: BucketLine, most: 65536 },
  services: { name: 'services', key: ServiceKey, value: Service, most: 4096 },
  servicePrefixes: { name: 'service_prefixes', key: ServicePrefix, value: Service, most: 4096 },
  backends: { name: 'backends', key: 4, value: Backend, most: 4096 },
  serviceCounts: { name: 'service_counts', key: 4, value: Carried, most: 4096 },
  backendCounts: { name: 'backend_counts', key: 4, value: Carried, most: 4096 },
  rings: { name: 'rings', key: 4, value: 0, most: 4096 },
  kept: { name: 'kept', key: 4, value: Kept, most: 1 },
  connections: { name: 'connections', key: 4, value: ConnectionLine, most: 131072 },
  choices: { name: 'choices', key: 4, value: 8, most: 7 },
  counts: { name: 'counts', key: 4, value: Count, most: 16 },
  aesTables: { name: 'aes_tables', key: 4, value: AesTables, most: 1 },
  quicConfigs: { name: 'quic_configs', key: 4, value: QuicConfig, most: 8 },
  servers: { name: 'servers', key: Server, value: 4, most: 4096 },
  work: { name: 'work', key: 0, value: 0, most: 1 },
  samples: { name: 'samples', key: 0, value: 0, most: 1048576 },
  sampling: { name: 'sampling', key: 4, value: Sampling, most: 1 },
  sampled: { name: 'sampled', key: 4, value: Sampled, most: 1 },
} as const;

/** Where constants lie in their section, which has so many bytes. */
export const CONSTANTS = {
  settings: { at: 0, record: Settings },
  names: { at: 136, record: Names },
  balanceNames: { at: 144, record: BalanceNames },
  sampleNames: { at: 168, record: SampleNames },
} as const;
export const CONSTANT_BYTES = 256;
