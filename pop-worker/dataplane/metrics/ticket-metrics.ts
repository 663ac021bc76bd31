import type { RefusedEarlyData } from '#host/tls/single-use.ts';
import type { Tickets } from '../tickets/tickets.ts';
import { byLabel, collectAll, single } from './series.ts';

const EARLY = byLabel('cloudbridge_quic_early_data_handshakes_total', 'outcome');
const GIVEN = single('cloudbridge_device_tickets_total');
const LOST = byLabel('cloudbridge_http3_lost_datagrams_total', 'reason');

/** Brings a thread's figures of tickets and early data up to date, where there is a mesh. */
export const collectTickets = (
  slots: Float64Array,
  tickets: Pick<Tickets, 'counters' | 'welcome' | 'held'> | undefined,
  { replayed, full }: RefusedEarlyData,
): void => {
  if (tickets === undefined) return;
  slots[GIVEN] = tickets.counters.given;
  slots[LOST.early] = tickets.held.droppedDatagrams;
  collectAll(slots, EARLY, { ...tickets.welcome.refused, taken: tickets.counters.taken, replayed, full });
};
