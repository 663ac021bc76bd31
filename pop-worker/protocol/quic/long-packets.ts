import type { TimeUs } from '../contract.ts';
import { drop } from './dropped.ts';
import type { Parts } from './parts.ts';
import type { Path } from './paths/path.ts';
import { Level, PACKET_WORDS, type PacketOpener } from './ports.ts';
import type { Receiver } from './receiver.ts';
import { PacketHeader, parseHeader } from './wire/packet/header.ts';
import { PacketType } from './wire/packet/packet-type.ts';
import { isSupportedVersion } from './wire/packet/version.ts';

/** RFC 9000 §14.1 */
const MIN_INITIAL_BYTES = 1200;

/** The packet at hand: one for all connections of the thread, since each is processed before the next is opened. */
const descriptor = new Int32Array(PACKET_WORDS);
const number = new Float64Array(1);

/** Packets with long headers, one at a time: coalesced ones, Retry and Version Negotiation (RFC 9000 §12.2, §17.2). */
export class LongPackets {
  readonly #parts: Parts;
  readonly #cidBytes: number;
  readonly #receiver: Receiver;
  readonly #header = new PacketHeader();

  constructor(parts: Parts, cidBytes: number, receiver: Receiver) {
    this.#parts = parts;
    this.#cidBytes = cidBytes;
    this.#receiver = receiver;
  }

  /** One datagram whose first packet has a long header. @throws QuicError */
  receive(buffer: Uint8Array, start: number, end: number, ecn: number, path: Path, now: TimeUs): void {
    const { config, handshake } = this.#parts;
    const header = this.#header;
    const firstCid = start + 6;
    const firstCidBytes = buffer[start + 5] as number;
    for (let at = start; at < end && this.#receiver.isListening; at = header.end) {
      if (!parseHeader(buffer, at, end, this.#cidBytes, header, config.greaseQuicBit)) {
        drop(this.#parts, 'droppedMalformed', undefined, end - at, now);
        return;
      }
      // RFC 9000 §12.2: packets for another connection ID than that of the first are ignored.
      if (at !== start && !sameBytes(buffer, firstCid, firstCidBytes, buffer, header.dcidStart, header.dcidLength)) {
        drop(this.#parts, 'droppedConnectionId', undefined, header.end - at, now);
        continue;
      }
      if (header.type === PacketType.initial && !this.#isProperInitial(end - start)) {
        drop(this.#parts, 'droppedMalformed', Level.initial, header.end - at, now);
        continue;
      }
      const read = this.#one(buffer, at, at === start, ecn, path, now);
      // RFC 9000 §10.3: any datagram may be a reset whose first packet cannot be read, whatever that looks like.
      if (!read && at === start && this.#receiver.isReset(buffer, start, end)) {
        this.#parts.onReset(now);
        return;
      }
      // Keys for what is coalesced behind this packet may come out of it.
      if (this.#parts.closer.isOpen) handshake.advance(now);
    }
  }

  /** Clients' come in datagrams of 1200 bytes or more, servers' without token (RFC 9000 §14.1, §17.2.2). */
  #isProperInitial(datagramBytes: number): boolean {
    return this.#parts.isServer ? datagramBytes >= MIN_INITIAL_BYTES : this.#header.tokenLength === 0;
  }

  /** @returns `false`: it was not authentic, or not to be read at all */
  #one(buffer: Uint8Array, at: number, first: boolean, ecn: number, path: Path, now: TimeUs): boolean {
    const parts = this.#parts;
    const header = this.#header;
    const { keys } = parts;
    switch (header.type) {
      case PacketType.versionNegotiation:
        if (first) parts.onVersionNegotiation(buffer, header, now);
        return true;
      case PacketType.retry:
        if (first) parts.onRetry(buffer, header, now);
        return true;
      case PacketType.unsupported:
        drop(parts, 'droppedVersion', undefined, header.end - at, now);
        return false;
      default:
    }
    const level = header.type;
    if (level !== Level.oneRtt && !this.#isOfVersion(level)) {
      drop(parts, 'droppedVersion', level, header.end - at, now);
    } else if (keys.opener(level) !== undefined) {
      return this.#open(level, buffer, at, ecn, path, now);
    } else if (keys.isDiscarded(level) || (level === Level.earlyData && !parts.isServer)) {
      drop(parts, 'droppedNoKeys', level, header.end - at, now);
    } else this.#receiver.hold(level, ecn, buffer, at, header.end, now);
    return false;
  }

  /**
   * RFC 9369 §4.1: Handshake packets come in the negotiated version, 0-RTT in the original one, Initial in both. A client
   * learns the negotiated one from the first Initial packet of the server's that has another.
   */
  #isOfVersion(level: Level): boolean {
    const { version, originalVersion, isServer } = this.#parts;
    const found = this.#header.version;
    if (level === Level.earlyData) return found === originalVersion;
    if (found === version || (level === Level.initial && isServer && found === originalVersion)) return true;
    return this.#mayLearn(found);
  }

  #mayLearn(found: number): boolean {
    const { version, originalVersion, isServer, config, keys } = this.#parts;
    const isOpen = !isServer && version === originalVersion && keys.opener(Level.handshake) === undefined;
    return isOpen && config.versions.includes(found) && isSupportedVersion(found);
  }

  #opener(level: Level): PacketOpener | undefined {
    const { keys, originalVersion } = this.#parts;
    const found = this.#header.version;
    return level === Level.initial && found !== originalVersion ? keys.otherInitialOpener(found) : keys.opener(level);
  }

  #open(level: Level, buffer: Uint8Array, at: number, ecn: number, path: Path, now: TimeUs): boolean {
    const parts = this.#parts;
    const header = this.#header;
    if (!this.#hasPeersCid(level, buffer)) {
      drop(parts, 'droppedConnectionId', level, header.end - at, now);
      return false;
    }
    const end = header.end;
    descriptor[0] = at;
    descriptor[1] = header.packetNumberAt - at;
    descriptor[2] = end - at;
    const space = parts.spaces[level === Level.initial ? 0 : level === Level.handshake ? 1 : 2];
    const opened = this.#opener(level)?.open(buffer, descriptor, number, 1, space.ack.largest);
    if (opened !== 1) {
      drop(parts, 'droppedForged', level, end - at, now);
      parts.keys.onForged(level, 1);
      return false;
    }
    const payload = at + (descriptor[1] as number);
    const payloadEnd = payload + (descriptor[2] as number);
    const packetNumber = number[0] as number;
    const outcome = descriptor[3] as number;
    if (level === Level.initial || level === Level.handshake) this.#onAuthentic(level, buffer, path, now);
    this.#receiver.process(level, packetNumber, outcome, buffer, at, payload, payloadEnd, ecn, path, now);
    header.end = end;
    return true;
  }

  /** RFC 9000 §7.2: once the peer's connection ID is known, long headers with another one are discarded. */
  #hasPeersCid(level: Level, buffer: Uint8Array): boolean {
    const scid = this.#parts.handshake.peerScid;
    if (level === Level.oneRtt || scid === undefined) return true;
    const { scidStart, scidLength } = this.#header;
    return sameBytes(scid, 0, scid.length, buffer, scidStart, scidLength);
  }

  #onAuthentic(level: Level, buffer: Uint8Array, path: Path, now: TimeUs): void {
    const { handshake, peerCids, isServer } = this.#parts;
    const header = this.#header;
    if (!isServer && level === Level.initial) handshake.changeVersion(header.version);
    if (handshake.peerScid === undefined) {
      const scid = buffer.slice(header.scidStart, header.scidStart + header.scidLength);
      handshake.setPeerScid(scid);
      peerCids.setInitial(scid);
    }
    if (level !== Level.handshake || !isServer) return;
    // RFC 9000 §8.1: it proves that the client got our Initial; RFC 9001 §4.9.1: and needs no more of them.
    path.validated = true;
    handshake.discard(Level.initial, now);
  }
}

const sameBytes = (a: Uint8Array, aStart: number, aLength: number, b: Uint8Array, bStart: number, bLength: number) => {
  if (aLength !== bLength) return false;
  for (let i = 0; i < aLength; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
};
