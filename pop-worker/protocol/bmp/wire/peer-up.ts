import { writeU16 } from '#protocol/bgp/wire/bytes.ts';
import {
  type BmpSubject,
  type BmpTime,
  BmpType,
  HEADS_BYTES,
  writeAddress,
  writeHeader,
  writePeerHeader,
} from './header.ts';
import { type Information, informationBytes } from './information.ts';

/** The session that has come up (RFC 7854 §4.10). */
export interface BmpSession {
  /** 4 or 16 bytes; none: there is no session in earnest. */
  readonly localAddress: Uint8Array;
  /** 0: not known. */
  readonly localPort: number;
  readonly remotePort: number;
  /** OPENs, with their markers. */
  readonly sentOpen: Uint8Array;
  readonly receivedOpen: Uint8Array;
}

/** A Peer Up Notification. */
export const peerUp = (
  subject: BmpSubject,
  time: BmpTime,
  { localAddress, localPort, remotePort, sentOpen, receivedOpen }: BmpSession,
  information: readonly Information[],
): Uint8Array => {
  const more = informationBytes(information);
  const out = new Uint8Array(HEADS_BYTES + 20 + sentOpen.length + receivedOpen.length + more.length);
  let at = writePeerHeader(out, writeHeader(out, 0, BmpType.peerUp, out.length), subject, 0, time);
  at = writeU16(out, writeU16(out, writeAddress(out, at, localAddress), localPort), remotePort);
  for (const part of [sentOpen, receivedOpen, more]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};
