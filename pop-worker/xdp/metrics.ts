import { byLabel, single } from '#dataplane/metrics/series.ts';
import type { XdpStatus } from './front-of-file.ts';

const PACKETS = byLabel('cloudbridge_xdp_packets_total', 'outcome');
const BYTES = byLabel('cloudbridge_xdp_bytes_total', 'outcome');
const LISTED = single('cloudbridge_xdp_listed_count');

const OUTCOMES = {
  passed: 'passed',
  notIp: 'not_ip',
  allowed: 'allowed',
  dropMalformed: 'drop_malformed',
  dropMartian: 'drop_martian',
  dropFragment: 'drop_fragment',
  dropOptions: 'drop_options',
  dropDenied: 'drop_denied',
  dropLimited: 'drop_limited',
} as const satisfies Record<keyof XdpStatus['counts'], keyof typeof PACKETS>;

/** Brings the slots of a filter up to date. */
export const collectXdp = (slots: Float64Array, { counts, listed }: XdpStatus): void => {
  for (const [counter, outcome] of Object.entries(OUTCOMES) as [keyof typeof OUTCOMES, keyof typeof PACKETS][]) {
    slots[PACKETS[outcome]] = counts[counter].packets;
    slots[BYTES[outcome]] = counts[counter].bytes;
  }
  slots[LISTED] = listed;
};
