import { ErrorCode, HeaderSubcode, remoteError } from '../errors.ts';
import { u16At, writeU16 } from './bytes.ts';

/** RFC 4271 §4.1, RFC 2918 §3. */
export const MessageType = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Marker, Length and Type (RFC 4271 §4.1). */
export const HEADER_BYTES = 19;

/** The largest message without, and with the capability of RFC 8654. */
export const MAX_MESSAGE_BYTES = 4096;
export const MAX_EXTENDED_MESSAGE_BYTES = 65_535;

const MARKER_BYTES = 16;

/** By type: the smallest length (RFC 4271 §6.1, RFC 2918 §3); 0: no such type. */
const SMALLEST = Uint8Array.of(0, 29, 23, 21, 19, 23);

/**
 * Checks the header at `at`, of which all 19 bytes are there (RFC 4271 §6.1).
 *
 * @param largest what we have told the peer that we take: `MAX_MESSAGE_BYTES` or `MAX_EXTENDED_MESSAGE_BYTES`
 * @returns the length of the whole message
 * @throws BgpError remote, Message Header Error
 */
export const checkHeader = (buffer: Uint8Array, at: number, largest: number): number => {
  for (let i = at; i < at + MARKER_BYTES; i++) {
    if (buffer[i] !== 0xff) throw headerError(HeaderSubcode.notSynchronized, 'marker is not all ones');
  }
  const length = u16At(buffer, at + MARKER_BYTES);
  const type = buffer[at + MARKER_BYTES + 2] as number;
  const smallest = SMALLEST[type] ?? 0;
  if (length < HEADER_BYTES || length > largest) throw badLength(buffer, at);
  if (smallest === 0) throw headerError(HeaderSubcode.badType, 'unknown message type', Uint8Array.of(type));
  if (length < smallest || length > largestOf(type, largest)) throw badLength(buffer, at);
  return length;
};

/** RFC 8654 §4: OPEN and KEEPALIVE are never extended. */
const largestOf = (type: number, largest: number): number => {
  if (type === MessageType.keepalive) return HEADER_BYTES;
  return type === MessageType.open ? MAX_MESSAGE_BYTES : largest;
};

const badLength = (buffer: Uint8Array, at: number) =>
  headerError(HeaderSubcode.badLength, 'bad message length', buffer.slice(at + MARKER_BYTES, at + MARKER_BYTES + 2));

const headerError = (subcode: number, message: string, data?: Uint8Array) =>
  remoteError(ErrorCode.messageHeader, subcode, message, data);

/** Writes the header of the message that ends at `end`. @returns `end` */
export const writeHeader = (buffer: Uint8Array, at: number, end: number, type: MessageType): number => {
  buffer.fill(0xff, at, at + MARKER_BYTES);
  writeU16(buffer, at + MARKER_BYTES, end - at);
  buffer[at + MARKER_BYTES + 2] = type;
  return end;
};
