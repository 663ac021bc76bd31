// Written by scripts/bpf/build.ts from what the compiler says of bpf/: not by hand.
import { record } from '#host/bpf/record.ts';

/** struct count */
export const Count = record(16, {
  packets: { at: 0, width: 8 },
  bytes: { at: 8, width: 8 },
});

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

/** struct limit */
export const Limit = record(8, {
  rate: { at: 0, width: 4 },
  burst: { at: 4, width: 4 },
});

/** struct settings */
export const Settings = record(100, {
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
});

/** struct names */
export const Names = record(8, {
  listCell: { at: 0, width: 4 },
  limitClass: { at: 4, width: 4 },
});

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
} as const;

/** enum list_action */
export const ListAction = {
  none: 0,
  allow: 1,
  deny: 2,
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

export const MAPS = {
  counts: { name: 'counts', key: 4, value: Count },
  listCells: { name: 'list_cells', key: 4, value: ListCells },
  listedAddresses: { name: 'listed_addresses', key: 4, value: 4 },
  listedV4: { name: 'listed_v4', key: PrefixV4, value: 4 },
  listedV6: { name: 'listed_v6', key: PrefixV6, value: 4 },
  listBlocks: { name: 'list_blocks', key: 4, value: ListBlocks },
  limits: { name: 'limits', key: 4, value: BucketLine },
} as const;

/** Where constants lie in their section, which has so many bytes. */
export const CONSTANTS = {
  settings: { at: 0, record: Settings },
  names: { at: 100, record: Names },
} as const;
export const CONSTANT_BYTES = 108;
