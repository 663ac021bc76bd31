import type { Parts } from './parts.ts';

/** Datagrams of the window that data leaves free while the handshake lasts. */
const KEPT_DATAGRAMS = 2;

/** Bytes of the window that 0-RTT and early 1-RTT data may not use: what carries the handshake must get through. */
export const keptForHandshake = ({ handshake, recovery }: Parts): number =>
  handshake.isComplete ? 0 : KEPT_DATAGRAMS * recovery.mtu.datagramBytes;
