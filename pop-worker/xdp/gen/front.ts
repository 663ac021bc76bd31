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

/** struct settings */
export const Settings = record(12, {
  hasLists: { at: 0, width: 1 },
  fragments: { at: 4, width: 4 },
  dropsOptions: { at: 8, width: 1 },
  dropsMartians: { at: 9, width: 1 },
});

/** struct names */
export const Names = record(4, {
  listCell: { at: 0, width: 4 },
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

export const MAPS = {
  counts: { name: 'counts', key: 4, value: Count },
  listCells: { name: 'list_cells', key: 4, value: ListCells },
  listedAddresses: { name: 'listed_addresses', key: 4, value: 4 },
  listedV4: { name: 'listed_v4', key: PrefixV4, value: 4 },
  listedV6: { name: 'listed_v6', key: PrefixV6, value: 4 },
  listBlocks: { name: 'list_blocks', key: 4, value: ListBlocks },
} as const;

/** Where constants lie in their section, which has so many bytes. */
export const CONSTANTS = {
  settings: { at: 0, record: Settings },
  names: { at: 12, record: Names },
} as const;
export const CONSTANT_BYTES = 16;
