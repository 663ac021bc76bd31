import { localError, TransportError } from '../../errors.ts';

/**
 * How many bytes of a packet number to send (RFC 9000 §A.2).
 *
 * @param largestAcked largest number that the peer acknowledged in this space, -1 for none
 * @returns 1 to 4
 * @throws QuicError local when more than 2^31 packets are unacknowledged
 */
export const packetNumberBytes = (packetNumber: number, largestAcked: number): number => {
  const unacked = packetNumber - largestAcked;
  if (unacked <= 0x80) return 1;
  if (unacked <= 0x8000) return 2;
  if (unacked <= 0x80_0000) return 3;
  if (unacked <= 0x8000_0000) return 4;
  throw localError(TransportError.internalError, 'too many packets in flight for a packet number');
};

/** Writes the low `bytes` bytes (1 to 4). @returns the offset behind them */
export const writePacketNumber = (buf: Uint8Array, at: number, packetNumber: number, bytes: number): number => {
  const low = packetNumber % 0x1_0000_0000;
  for (let i = 0; i < bytes; i++) buf[at + i] = low >>> (8 * (bytes - 1 - i));
  return at + bytes;
};
