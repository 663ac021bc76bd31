import type { Parts } from './parts.ts';
import { TAG_BYTES } from './ports.ts';
import { datagramHeaderLength, datagramRoom } from './wire/frames/datagram.ts';

/** First byte and packet number of a 1-RTT packet take at most so much. */
const HEADER_BYTES = 1 + 4;

/** The largest DATAGRAM payload that fits a packet now and that the peer takes; 0 for none (RFC 9221 §3, §5). */
export const datagramCapacity = (parts: Parts): number => {
  const { handshake, recovery, peerCids, paths } = parts;
  const limit = handshake.peer.maxDatagramFrameSize;
  if (limit === 0) return 0;
  const cidBytes = peerCids.cidOf(paths.active.cidId)?.length ?? 20;
  const room = datagramRoom(recovery.mtu.datagramBytes - HEADER_BYTES - cidBytes - TAG_BYTES);
  return Math.max(0, Math.min(room, limit - datagramHeaderLength(limit, true)));
};
