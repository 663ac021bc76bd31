import type { TimeUs } from '../contract.ts';
import type { DropReason } from './observer.ts';
import type { Parts } from './parts.ts';
import type { Level } from './ports.ts';

/** Counts a packet that is dropped. @param level undefined: not known @param bytes of the packet */
export const drop = (parts: Parts, reason: DropReason, level: Level | undefined, bytes: number, now: TimeUs): void => {
  parts.counters[reason]++;
  parts.observer?.packetDropped(reason, level, bytes, now);
};
