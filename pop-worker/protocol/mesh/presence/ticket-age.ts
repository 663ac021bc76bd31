import type { PresenceRecord } from './record.ts';

/** Where a device was, by a ticket that it was given there. */
export interface DevicePast {
  readonly epoch: number;
  readonly member: number;
}

/**
 * A ticket's epoch beside what is known of the device: `current` is of its latest move, `older` of one before, `newer` of one
 * that has not been heard of yet; `unknown`: nothing is known of the device; `none`: there is no ticket.
 */
export type TicketAge = 'none' | 'current' | 'older' | 'newer' | 'unknown';

/** @param known who left included */
export const ageOf = (
  ticket: Pick<DevicePast, 'epoch'> | undefined,
  known: Pick<PresenceRecord, 'epoch'> | undefined,
): TicketAge => {
  if (ticket === undefined) return 'none';
  if (known === undefined) return 'unknown';
  if (ticket.epoch === known.epoch) return 'current';
  return ticket.epoch < known.epoch ? 'older' : 'newer';
};
