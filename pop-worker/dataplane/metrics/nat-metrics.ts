import type { Correspondents } from '../forward/correspondents.ts';
import type { EgressNat } from '../nat/egress-nat.ts';
import { byLabel, collectAll, single } from './series.ts';

const DEVICES = single('cloudbridge_nat44_devices_count');
const BLOCKS = single('cloudbridge_nat44_blocks_count');
const MAPPINGS = single('cloudbridge_nat44_mappings_count');
const SESSIONS = single('cloudbridge_nat44_sessions_count');
const EVENTS = byLabel('cloudbridge_nat44_events_total', 'event');
const FILTERS = byLabel('cloudbridge_ipv6_filter_events_total', 'event');

/** …of filters of IPv6, where others are told of them. */
export const collectFilters = (
  slots: Float64Array,
  correspondents: Pick<Correspondents, 'shared'> | undefined,
): void => {
  if (correspondents?.shared !== undefined) collectAll(slots, FILTERS, correspondents.shared.counters);
};

/** Brings a thread's figures of translation up to date, where it translates. */
export const collectNat = (slots: Float64Array, egress: EgressNat | undefined): void => {
  if (egress === undefined) return;
  const { nat, blocks, counters } = egress;
  slots[DEVICES] = egress.devices;
  slots[BLOCKS] = blocks.size;
  slots[MAPPINGS] = nat.mappings.size;
  slots[SESSIONS] = nat.flows.size;
  collectAll(slots, EVENTS, {
    picked_up: nat.counters.pickedUp,
    restored: nat.counters.restored,
    not_restored: nat.counters.refused,
    deviating_port: nat.counters.deviating,
    told: counters.told,
    not_told: counters.untold,
    block_adopted: counters.adopted,
    block_conflict: counters.conflicts,
    no_block: counters.withoutBlock,
  });
};
