// Written by scripts/bpf/build.ts from what the compiler says of bpf/: not by hand.
import { record } from '#host/bpf/record.ts';

/** struct count */
export const Count = record(16, {
  packets: { at: 0, width: 8 },
  bytes: { at: 8, width: 8 },
});

/** struct prefix_v4 */
export const PrefixV4 = record(8, {
  bits: { at: 0, width: 4 },
  address: { at: 4, width: 4, isBig: true },
});

/** struct listed */
export const Listed = record(8, {
  action: { at: 0, width: 4 },
  entry: { at: 4, width: 4 },
});

/** struct prefix_v6 */
export const PrefixV6 = record(20, {
  bits: { at: 0, width: 4 },
  address: { at: 4, bytes: 16 },
});

/** struct settings */
export const Settings = record(12, {
  hasLists: { at: 0, width: 1 },
  fragments: { at: 4, width: 4 },
  dropsOptions: { at: 8, width: 1 },
  dropsMartians: { at: 9, width: 1 },
});

/** enum counter */
export const Counter = {
  countPassed: 0,
  countNotIp: 1,
  countDropMalformed: 2,
  countDropMartian: 3,
  countDropFragment: 4,
  countDropOptions: 5,
  countDropDenied: 6,
  countAllowed: 7,
  counters: 8,
} as const;

/** enum list_action */
export const ListAction = {
  allow: 1,
  deny: 2,
} as const;

/** enum fragments */
export const Fragments = {
  pass: 0,
  dropLater: 1,
  drop: 2,
} as const;

export const MAPS = {
  counts: { name: 'counts', key: 4, value: Count },
  listsV4: { name: 'lists_v4', key: PrefixV4, value: Listed },
  listsV6: { name: 'lists_v6', key: PrefixV6, value: Listed },
} as const;

/** Where constants lie in their section. */
export const CONSTANTS = {
  settings: { at: 0, record: Settings },
} as const;
