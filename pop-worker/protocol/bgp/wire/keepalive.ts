import { HEADER_BYTES, MessageType, writeHeader } from './header.ts';

/** KEEPALIVE (RFC 4271 §4.4): a header alone. @returns the offset behind it */
export const writeKeepalive = (buffer: Uint8Array, at: number): number =>
  writeHeader(buffer, at, at + HEADER_BYTES, MessageType.keepalive);
