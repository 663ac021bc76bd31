import { HEADER_BYTES, MAX_MESSAGE_BYTES, MessageType, writeHeader } from './header.ts';

/** What a NOTIFICATION says (RFC 4271 §4.5). */
export interface Notification {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** @param start of the body, of which at least the codes are there @returns with a copy of the data */
export const parseNotification = (buffer: Uint8Array, start: number, end: number): Notification => ({
  code: buffer[start] as number,
  subcode: buffer[start + 1] as number,
  data: buffer.slice(start + 2, end),
});

/**
 * Writes a NOTIFICATION. Data beyond what fits before `end`, or 4,096 bytes, is cut: the peer may not take more
 * (RFC 8654 §5).
 *
 * @returns the offset behind it
 */
export const writeNotification = (
  buffer: Uint8Array,
  at: number,
  end: number,
  { code, subcode, data }: Notification,
): number => {
  const body = at + HEADER_BYTES;
  buffer[body] = code;
  buffer[body + 1] = subcode;
  const room = Math.min(end, at + MAX_MESSAGE_BYTES) - body - 2;
  const cut = data.subarray(0, Math.min(room, data.length));
  buffer.set(cut, body + 2);
  return writeHeader(buffer, at, body + 2 + cut.length, MessageType.notification);
};
