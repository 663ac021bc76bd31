import type { TimeUs } from '../contract.ts';
import { Dispatcher } from './dispatcher.ts';
import { drop } from './dropped.ts';
import { EarlyPackets } from './early-packets.ts';
import { SPACE_OF_LEVEL } from './handshake.ts';
import { LongPackets } from './long-packets.ts';
import type { Parts } from './parts.ts';
import type { Path } from './paths/path.ts';
import { Level, OpenOutcome, PACKET_WORDS } from './ports.ts';
import { CE } from './recovery/ecn.ts';
import { Space } from './recovery/recovery.ts';
import { parseFrames } from './wire/frames/parse.ts';
import { PacketContent } from './wire/frames/registry.ts';
import { isLongHeader } from './wire/packet/header.ts';
import { checkReservedBits } from './wire/packet/reserved-bits.ts';
import { Reader } from './wire/reader.ts';

/** Packets opened in one call: as many as one GRO buffer holds. */
const MAX_BATCH = 64;
/** RFC 9000 §10.3: shorter datagrams are no stateless reset. */
const MIN_RESET_BYTES = 21;
const RESET_TOKEN_BYTES = 16;

/** The batch at hand: one for all connections of the thread, since each is processed before the next is opened. */
const descriptors = new Int32Array(PACKET_WORDS * MAX_BATCH);
const numbers = new Float64Array(MAX_BATCH);

/** From datagrams to frames: opens packets in place, a whole GRO run at once, and hands their frames over. */
export class Receiver {
  readonly #parts: Parts;
  readonly #cidBytes: number;
  readonly #reader = new Reader();
  readonly #dispatcher: Dispatcher;
  readonly #early: EarlyPackets;
  readonly #long: LongPackets;

  /** @param cidBytes length of our connection IDs */
  constructor(parts: Parts, cidBytes: number) {
    this.#parts = parts;
    this.#cidBytes = cidBytes;
    this.#dispatcher = new Dispatcher(parts);
    this.#early = new EarlyPackets(parts.config.maxEarlyPackets, parts.config.maxEarlyBytes);
    this.#long = new LongPackets(parts, cidBytes, this);
  }

  /** Datagrams of one run, from one address: `segment` bytes each, the last maybe less. @throws QuicError */
  receive(buffer: Uint8Array, start: number, end: number, segment: number, ecn: number, path: Path, now: TimeUs): void {
    let at = start;
    while (at < end) {
      if (isLongHeader(buffer, at)) {
        const next = Math.min(end, at + segment);
        this.#long.receive(buffer, at, next, ecn, path, now);
        at = next;
      } else at = this.#receiveShort(buffer, at, end, segment, ecn, path, now);
      this.#replay(path, now);
    }
  }

  /** Opens the short header packets at the head of a run in one call. @returns the offset behind them */
  #receiveShort(
    buffer: Uint8Array,
    start: number,
    end: number,
    segment: number,
    ecn: number,
    path: Path,
    now: TimeUs,
  ): number {
    const sequence = this.#sequenceAt(buffer, start, end);
    let count = 0;
    let at = start;
    while (at < end && count < MAX_BATCH && !isLongHeader(buffer, at)) {
      const bytes = Math.min(segment, end - at);
      const word = PACKET_WORDS * count++;
      descriptors[word] = at;
      descriptors[word + 1] = 1 + this.#cidBytes;
      descriptors[word + 2] = bytes;
      at += bytes;
    }
    if (this.#parts.keys.opener(Level.oneRtt) === undefined) {
      this.hold(Level.oneRtt, ecn, buffer, start, Math.min(start + segment, end), now);
      return Math.min(start + segment, end);
    }
    this.#openShort(buffer, count, sequence, ecn, path, now);
    return at;
  }

  #sequenceAt(buffer: Uint8Array, start: number, end: number): number {
    if (start + 1 + this.#cidBytes > end) return -1;
    return this.#parts.localCids.sequenceOf(buffer, start + 1, this.#cidBytes);
  }

  #openShort(buffer: Uint8Array, count: number, sequence: number, ecn: number, path: Path, now: TimeUs): void {
    const { keys, spaces } = this.#parts;
    const space = spaces[Space.application];
    const authentic = keys.opener(Level.oneRtt)?.open(buffer, descriptors, numbers, count, space.ack.largest);
    if (authentic !== count) this.#onForged(buffer, count, count - (authentic ?? 0), now);
    let nextPhase = Number.POSITIVE_INFINITY;
    path.localSequence = sequence;
    for (let i = 0; i < count && this.isListening; i++) {
      const word = PACKET_WORDS * i;
      const outcome = descriptors[word + 3] as number;
      if (outcome < 0) continue;
      const packetNumber = numbers[i] as number;
      const at = descriptors[word] as number;
      const payload = at + (descriptors[word + 1] as number);
      if (outcome === OpenOutcome.next && packetNumber < nextPhase) nextPhase = packetNumber;
      const payloadEnd = payload + (descriptors[word + 2] as number);
      keys.onOpened(packetNumber, outcome);
      this.process(Level.oneRtt, packetNumber, outcome, buffer, at, payload, payloadEnd, ecn, path, now);
    }
    if (nextPhase === Number.POSITIVE_INFINITY) return;
    keys.onNextPhase(nextPhase);
    this.#parts.counters.keyUpdates++;
  }

  /** Packets that do not authenticate may be stateless resets (RFC 9000 §10.3.1). */
  #onForged(buffer: Uint8Array, count: number, forged: number, now: TimeUs): void {
    for (let i = 0; i < count; i++) {
      const word = PACKET_WORDS * i;
      if ((descriptors[word + 3] as number) >= 0) continue;
      const at = descriptors[word] as number;
      if (this.isReset(buffer, at, at + (descriptors[word + 2] as number))) {
        this.#parts.onReset(now);
        return;
      }
    }
    for (let i = 0; i < count; i++) {
      const word = PACKET_WORDS * i;
      if ((descriptors[word + 3] as number) >= 0) continue;
      drop(this.#parts, 'droppedForged', Level.oneRtt, descriptors[word + 2] as number, now);
    }
    this.#parts.keys.onForged(Level.oneRtt, forged);
  }

  /** The datagram ends with the reset token of a connection ID that we use. */
  isReset(buffer: Uint8Array, start: number, end: number): boolean {
    if (end - start < MIN_RESET_BYTES) return false;
    const { peerCids, crypto } = this.#parts;
    return peerCids.isResetToken(buffer, end - RESET_TOKEN_BYTES, crypto.equal);
  }

  /** A packet that came before its keys is held, if there is room. */
  hold(level: Level, ecn: number, buffer: Uint8Array, start: number, end: number, now: TimeUs): void {
    const { counters, observer } = this.#parts;
    if (!this.#early.push(level, ecn, buffer, start, end)) {
      drop(this.#parts, 'droppedEarly', level, end - start, now);
      return;
    }
    counters.heldEarly++;
    observer?.packetBuffered(level, end - start, now);
  }

  /** Type of the frame that was read last: an error is about it. */
  get frameType(): number {
    return this.#reader.frameType;
  }

  /** Packets that waited for keys which have come meanwhile, or never will. */
  #replay(path: Path, now: TimeUs): void {
    const { keys, handshake, closer } = this.#parts;
    handshake.advance(now);
    if (this.#early.count === 0) return;
    const ready = (level: number) => keys.opener(level as Level) !== undefined || keys.isDiscarded(level as Level);
    for (let packet = this.#early.take(ready); packet !== undefined; packet = this.#early.take(ready)) {
      if (!closer.isOpen || keys.isDiscarded(packet.level as Level)) continue;
      const { bytes, ecn } = packet;
      if (isLongHeader(bytes, 0)) this.#long.receive(bytes, 0, bytes.length, ecn, path, now);
      else this.#receiveShort(bytes, 0, bytes.length, bytes.length, ecn, path, now);
      handshake.advance(now);
    }
  }

  /** TLS spoke from another thread: packets may be readable now. */
  advance(now: TimeUs): void {
    this.#replay(this.#parts.paths.active, now);
  }

  /** The packet at hand still matters: the connection did not end while the one before it was processed. */
  get isListening(): boolean {
    return this.#parts.closer.isOpen;
  }

  /** Acts on the frames of an authentic packet. @param headerAt its first byte */
  process(
    level: Level,
    packetNumber: number,
    outcome: number,
    buffer: Uint8Array,
    headerAt: number,
    start: number,
    end: number,
    ecn: number,
    path: Path,
    now: TimeUs,
  ): void {
    const parts = this.#parts;
    const spaceId = SPACE_OF_LEVEL[level];
    const { ack } = parts.spaces[spaceId];
    // RFC 9000 §17.3.1; RFC 9287 §3 unless we allowed for it. Of long headers the parser has seen to it.
    if (((buffer[headerAt] as number) & 0x40) === 0 && !parts.config.greaseQuicBit) {
      drop(parts, 'droppedMalformed', level, end - headerAt, now);
      return;
    }
    if (ack.isDuplicate(packetNumber)) {
      drop(parts, 'droppedDuplicate', level, end - headerAt, now);
      return;
    }
    checkReservedBits(buffer, headerAt);
    if (level === Level.oneRtt) parts.firstByte.onReceived(path, packetNumber, buffer[headerAt] as number);
    parts.counters.packetsReceived++;
    if (ecn === CE) parts.counters.packetsReceivedCe++;
    parts.idle.onReceived(now);
    parts.observer?.packetReceived(level, packetNumber, buffer, headerAt, start, end, path, now);
    this.#dispatcher.begin(spaceId, packetNumber, outcome, path, now);
    // Packet types 0 to 3 have the numbers of levels.
    const content = parseFrames(this.#reader.reset(buffer, start, end), level, this.#dispatcher);
    ack.onPacket(packetNumber, (content & PacketContent.ackEliciting) !== 0, ecn, now);
    if (spaceId !== Space.application) return;
    if ((content & PacketContent.nonProbing) !== 0) parts.paths.onNonProbing(path, packetNumber, now);
    else parts.paths.onProbing(path, now);
  }
}
