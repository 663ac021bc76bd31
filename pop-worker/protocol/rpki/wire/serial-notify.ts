import { u32At } from '#protocol/bgp/wire/bytes.ts';
import { fieldAt } from './pdu.ts';

/** RFC 8210 §5.2: the cache has newer data. */
export interface SerialNotify {
  readonly sessionId: number;
  readonly serial: number;
}

export const SERIAL_NOTIFY_BYTES = 12;

export const readSerialNotify = (buffer: Uint8Array, at: number): SerialNotify => ({
  sessionId: fieldAt(buffer, at),
  serial: u32At(buffer, at + 8),
});
