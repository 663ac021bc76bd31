import { type Burst, MAX_MESSAGE_BYTES } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { FlightWriter } from './flight-writer.ts';
import { keptForHandshake } from './handshake-room.ts';
import type { ConnectionObserver } from './observer.ts';
import type { Parts } from './parts.ts';
import type { Path } from './paths/path.ts';
import { Payload } from './payload.ts';
import { Level, PACKET_WORDS, type PacketSealer, TAG_BYTES } from './ports.ts';
import { ProbeWriter } from './probe-writer.ts';
import { PacketFlag } from './recovery/packet-flag.ts';
import { Space } from './recovery/recovery.ts';
import { packetNumberBytes } from './wire/packet/number.ts';
import { writeShortHeader } from './wire/packet/short.ts';

/** Packets sealed in one call at most… */
const MAX_BATCH = 128;
/** …and no more than so many GSO messages take: with one, every 44 packets cost two system calls and a turn of the loop. */
const MESSAGES = 2;
/** Frame records that a packet must have room for before it is begun. */
const RECORDS = 64;

/** A number is left out this early, and again after at most `SKIP_EVERY` more, so that ACKs of unseen packets show. */
const FIRST_SKIP = 64;
const SKIP_EVERY = 4096;

/** Whoever comes here says nothing more (RFC 9000 §12.3, which has 2^62 - 1; ours are exact up to 2^53 - 1). */
export const LAST_NUMBER = 2 ** 53 - 2 ** 16;

/** The batch at hand: one for all connections of the thread, since each batch is sealed before the next is begun. */
const descriptors = new Int32Array(PACKET_WORDS * MAX_BATCH);
const numbers = new Float64Array(MAX_BATCH);
const lengths = new Int32Array(MAX_BATCH);

/** RFC 9000 §10.3: so long that a stateless reset looks the same; RFC 9001 §5.4.2: so long that there is a sample. */
export const minPayload = (headerBytes: number): number => Math.max(4, 22 + 8 - headerBytes - TAG_BYTES);

/** Sends: the handshake's flights, probes of paths and MTU, and whole batches of 1-RTT packets of one size. */
export class Packer {
  readonly #parts: Parts;
  readonly #payload: Payload;
  /** Gone with the handshake. */
  #flights: FlightWriter | undefined;
  readonly #probes: ProbeWriter;
  /** The next packet number that is not used (RFC 9000 §21.4). */
  #skipped = FIRST_SKIP;
  /** ECN codepoint of the batch at hand, and the flag that its packets bear. */
  #ecn = 0;
  #marked = 0;
  /** When the pacer lets the next packet go, if that is all that we wait for. */
  pacedUntil: TimeUs = Number.POSITIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#payload = new Payload(parts);
    this.#flights = new FlightWriter(parts, this.#payload);
    this.#probes = new ProbeWriter(parts);
  }

  /** @returns `true` when there may be more to send at once, in another burst */
  poll(now: TimeUs, burst: Burst): boolean {
    if (this.#parts.recovery.sent(Space.application).nextPacketNumber >= LAST_NUMBER) {
      const info = { by: 'local', application: false, code: 0, reason: 'packet numbers are used up' } as const;
      this.#parts.onGivenUp(info, now);
      return false;
    }
    this.pacedUntil = Number.POSITIVE_INFINITY;
    const flights = this.#flights;
    if (flights?.wanted(now) === true) {
      if (flights.write(now, burst)) return true;
      this.pacedUntil = flights.pacedUntil;
    } else if (this.#parts.handshake.isConfirmed) this.#flights = undefined;
    if (this.#probes.write(now, burst)) return true;
    if (this.#parts.keys.sealer(Level.oneRtt) === undefined) return false;
    if (this.#batch(now, burst)) return true;
    return this.#probes.writeMtuProbe(now, burst);
  }

  /** Writes 1-RTT packets until something says stop, then seals them in one call. */
  #batch(now: TimeUs, burst: Burst): boolean {
    const parts = this.#parts;
    const { recovery, keys, paths, spaces, peerCids } = parts;
    const path = paths.active;
    const size = recovery.mtu.datagramBytes;
    if (!burst.hasRoom(size)) return true;
    const space = spaces[Space.application];
    const log = recovery.sent(Space.application);
    const dcid = peerCids.cidOf(path.cidId);
    if (dcid === undefined) return false;
    const numberBytes = packetNumberBytes(log.nextPacketNumber + MAX_BATCH, space.largestAcked);
    const headerBytes = 1 + dcid.length + numberBytes;
    const sealer = keys.sealer(Level.oneRtt) as PacketSealer;
    const limit = burst.buffer.length - size;
    const most = Math.min(MAX_BATCH, MESSAGES * Math.floor(MAX_MESSAGE_BYTES / size));
    this.#ecn = recovery.ecn.codepoint;
    this.#marked = this.#ecn === 0 ? 0 : PacketFlag.ecn;
    let count = 0;
    let at = burst.used;
    while (count < most && at <= limit) {
      const length = this.#packet(now, burst.buffer, at, size, dcid, numberBytes, headerBytes, count);
      if (length === 0) break;
      at += length;
      count++;
      // A shorter packet ends a GSO message.
      if (length < (lengths[0] as number)) break;
    }
    if (count === 0) return false;
    const update = keys.beforeSeal(numbers[0] as number, count, parts.config.keyUpdatePackets);
    if (parts.observer !== undefined) this.#show(parts.observer, burst.buffer, count, path, now);
    sealer.seal(burst.buffer, descriptors, numbers, count);
    for (let i = 0; i < count; i++) burst.commit(lengths[i] as number, this.#ecn, path.remote, 0, path.local, 0);
    parts.counters.packetsSent += count;
    parts.counters.datagramsSent += count;
    if (update && keys.mayUpdate) keys.update();
    return true;
  }

  /** @returns the packet's length, 0 when nothing may or need be sent */
  #packet(
    now: TimeUs,
    buffer: Uint8Array,
    at: number,
    size: number,
    dcid: Uint8Array,
    numberBytes: number,
    headerBytes: number,
    index: number,
  ): number {
    const { recovery, keys, paths, spaces, idle, counters, firstByte } = this.#parts;
    const path = paths.active;
    const elicit = this.#mayElicit(now, size);
    if (!elicit && !spaces[Space.application].ack.due(now)) return 0;
    if (path.budget < size) return 0;
    const log = recovery.sent(Space.application);
    if (!log.hasRoom(RECORDS)) return 0;
    let packetNumber = log.nextPacketNumber;
    if (packetNumber === this.#skipped) this.#skip(packetNumber++);
    log.begin(packetNumber);
    const payloadAt = at + headerBytes;
    const payload = this.#payload;
    let end = payload.write(Space.application, log, buffer, payloadAt, at + size - TAG_BYTES, now, elicit, true);
    if (end === payloadAt) {
      log.abandon();
      return 0;
    }
    writeShortHeader(buffer, at, dcid, false, keys.phase, packetNumber, numberBytes);
    firstByte.finishShort(buffer, at, path, dcid);
    let flags = this.#marked | (payload.ackEliciting ? PacketFlag.ackEliciting | PacketFlag.inFlight : 0);
    const shortest = payloadAt + minPayload(headerBytes);
    if (end < shortest) {
      buffer.fill(0, end, shortest);
      end = shortest;
      flags |= PacketFlag.inFlight;
    }
    const length = end + TAG_BYTES - at;
    const word = PACKET_WORDS * index;
    descriptors[word] = at;
    descriptors[word + 1] = headerBytes;
    descriptors[word + 2] = end - payloadAt;
    numbers[index] = packetNumber;
    lengths[index] = length;
    recovery.onPacketSent(Space.application, now, length, flags, path.congestionId);
    if (payload.ackEliciting) idle.onAckElicitingSent(now);
    path.bytesSent += length;
    counters.bytesSent += length;
    return length;
  }

  /** The packets of the batch, not sealed yet. */
  #show(observer: ConnectionObserver, buffer: Uint8Array, count: number, path: Path, now: TimeUs): void {
    for (let i = 0; i < count; i++) {
      const word = PACKET_WORDS * i;
      const at = descriptors[word] as number;
      const start = at + (descriptors[word + 1] as number);
      const end = start + (descriptors[word + 2] as number);
      observer.packetSent(Level.oneRtt, numbers[i] as number, buffer, at, start, end, path, false, now);
      observer.datagramSent(lengths[i] as number, this.#ecn, now);
    }
  }

  #skip(packetNumber: number): void {
    const random = new Uint8Array(2);
    this.#parts.random.fill(random);
    this.#skipped = packetNumber + 2 + ((((random[0] as number) << 8) | (random[1] as number)) % SKIP_EVERY);
  }

  /** Window and pacer let a full packet go, and there is something for it. Probes ask neither. */
  #mayElicit(now: TimeUs, size: number): boolean {
    const { recovery } = this.#parts;
    if (recovery.probesOwed(Space.application) > 0) return true;
    if (!this.#payload.wants(Space.application)) {
      recovery.onApplicationLimited(now);
      return false;
    }
    if (!recovery.canSend(size, keptForHandshake(this.#parts))) return false;
    const delay = recovery.pacingDelay(now, size);
    if (delay <= 0) return true;
    this.pacedUntil = Math.min(this.pacedUntil, now + delay);
    return false;
  }
}
