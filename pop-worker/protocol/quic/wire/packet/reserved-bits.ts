import { remoteError, TransportError } from '../../errors.ts';
import { isLongHeader } from './header.ts';

/**
 * Checks the reserved bits of a packet that was authenticated (RFC 9000 §17.2, §17.3.1); never before, for dropping
 * earlier would tell an attacker about header protection (RFC 9001 §9.5).
 *
 * @throws QuicError remote, PROTOCOL_VIOLATION
 */
export const checkReservedBits = (buf: Uint8Array, at: number): void => {
  const mask = isLongHeader(buf, at) ? 0x0c : 0x18;
  if (((buf[at] as number) & mask) !== 0) throw remoteError(TransportError.protocolViolation, 'reserved bits are set');
};
