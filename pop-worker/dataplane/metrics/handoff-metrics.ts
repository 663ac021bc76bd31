import { labelValues } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';
import type { RoutableCids } from '../exchange/cids.ts';
import type { Handoff } from '../handoff/handoff.ts';
import { byLabel, collectAll, single } from './series.ts';

const DATAGRAMS = byLabel('cloudbridge_handoff_datagrams_total', 'direction');
const BYTES = byLabel('cloudbridge_handoff_bytes_total', 'direction');
const PACKETS = byLabel('cloudbridge_handoff_packets_total', 'direction');
const UNSENT = byLabel('cloudbridge_handoff_unsent_datagrams_total', 'reason');
const REFUSED = byLabel('cloudbridge_handoff_refused_packets_total', 'reason');
const ANSWERS = byLabel('cloudbridge_handoff_answers_total', 'answer');
const RESETS = single('cloudbridge_handoff_resets_total');
const KEY_UPDATES = single('cloudbridge_handoff_key_updates_total');
/** By the numbers of keys, and what is done with them. */
const KEYS = labelValues('cloudbridge_cids_keys_count', 'number').flatMap((number) =>
  labelValues('cloudbridge_cids_keys_count', 'use').map((use) => ({
    ...{ id: Number(number), use, slot: slotOf('cloudbridge_cids_keys_count', { number, use }) },
  })),
);
const UNROUTABLE = single('cloudbridge_cids_unroutable_total');

export const collectHandoff = (slots: Float64Array, cids: RoutableCids, handoff: Handoff | undefined): void => {
  slots[UNROUTABLE] = cids.exhausted;
  for (const { id, use, slot } of KEYS) slots[slot] = cids.useOf(id) === use ? 1 : 0;
  if (handoff === undefined) return;
  const { sent, received, sendDrops, receiveDrops, answered, resets, keyUpdates } = handoff.counters;
  collectAll(slots, DATAGRAMS, { sent: sent.datagrams, received: received.datagrams });
  collectAll(slots, BYTES, { sent: sent.bytes, received: received.bytes });
  collectAll(slots, PACKETS, { sent: sent.packets, received: received.packets });
  collectAll(slots, UNSENT, sendDrops);
  collectAll(slots, REFUSED, receiveDrops);
  collectAll(slots, ANSWERS, answered);
  slots[RESETS] = resets;
  slots[KEY_UPDATES] = keyUpdates;
};
