import { type QuicError, remoteError, TransportError } from '../errors.ts';

/** What a peer does to connection IDs that it may not. */
export const violation = (message: string, frameType: number): QuicError =>
  remoteError(TransportError.protocolViolation, message, frameType);

/** Not for secrets: its time tells where they differ. */
export const sameBytes = (a: Uint8Array, buffer: Uint8Array, start: number, length: number): boolean => {
  if (a.length !== length || start + length > buffer.length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== buffer[start + i]) return false;
  return true;
};
