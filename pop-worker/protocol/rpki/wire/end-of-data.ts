import { u32At } from '#protocol/bgp/wire/bytes.ts';
import { fieldAt, VERSION_0 } from './pdu.ts';

/** RFC 8210 §6, in seconds. */
export interface RtrIntervals {
  readonly refreshS: number;
  readonly retryS: number;
  readonly expireS: number;
}

/** RFC 8210 §5.8: all of an answer has been told. */
export interface EndOfData {
  readonly sessionId: number;
  readonly serial: number;
  /** Within what §6 allows; undefined: version 0 has none (RFC 6810 §5.7). */
  readonly intervals: RtrIntervals | undefined;
}

/** RFC 6810 §5.7 has no intervals. */
export const endOfDataBytes = (version: number): number => (version === VERSION_0 ? 12 : 24);

/** RFC 8210 §6. */
export const DEFAULT_INTERVALS = { refreshS: 3600, retryS: 600, expireS: 7200 } as const;

const within = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

export const readEndOfData = (buffer: Uint8Array, at: number): EndOfData => {
  const sessionId = fieldAt(buffer, at);
  const serial = u32At(buffer, at + 8);
  if (buffer[at] === VERSION_0) return { sessionId, serial, intervals: undefined };
  const intervals = {
    refreshS: within(u32At(buffer, at + 12), 1, 86_400),
    retryS: within(u32At(buffer, at + 16), 1, 7200),
    expireS: within(u32At(buffer, at + 20), 600, 172_800),
  };
  return { sessionId, serial, intervals };
};
