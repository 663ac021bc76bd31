import type { Burst } from '../burst.ts';
import { NEVER, type TimeUs } from '../contract.ts';
import { SPACE_OF_LEVEL } from './handshake.ts';
import { keptForHandshake } from './handshake-room.ts';
import { initialBytes } from './initial-size.ts';
import { LevelPacket } from './level-packet.ts';
import type { Parts } from './parts.ts';
import type { Payload } from './payload.ts';
import { Level } from './ports.ts';
import { PacketFlag } from './recovery/packet-flag.ts';
import { Space } from './recovery/recovery.ts';

/** Below this a datagram is not worth its header. */
const MIN_DATAGRAM_BYTES = 64;
const HANDSHAKE_SPACES = [Space.initial, Space.handshake] as const;

/** Datagrams with long headers: packets of several levels coalesced, Initial ones padded (RFC 9000 §12.2, §14.1). */
export class FlightWriter {
  readonly #parts: Parts;
  readonly #payload: Payload;
  readonly #packets: readonly LevelPacket[];
  pacedUntil: TimeUs = NEVER;

  constructor(parts: Parts, payload: Payload) {
    this.#parts = parts;
    this.#payload = payload;
    this.#packets = [new LevelPacket(parts), new LevelPacket(parts), new LevelPacket(parts)];
  }

  /** Initial, Handshake or 0-RTT packets are to be sent. */
  wanted(now: TimeUs): boolean {
    const { keys, spaces } = this.#parts;
    if (keys.isDiscarded(Level.initial) && keys.isDiscarded(Level.handshake)) return false;
    for (const level of [Level.initial, Level.handshake] as const) {
      if (keys.sealer(level) === undefined) continue;
      const space = level === Level.initial ? Space.initial : Space.handshake;
      if (this.#payload.wants(space) || spaces[space].ack.due(now)) return true;
    }
    const early = keys.sealer(Level.earlyData) !== undefined && keys.sealer(Level.oneRtt) === undefined;
    return early && this.#payload.wants(Space.application);
  }

  /** Writes one datagram. @returns `false` when nothing may be sent now */
  write(now: TimeUs, burst: Burst): boolean {
    const parts = this.#parts;
    const { recovery, paths, keys } = parts;
    const path = paths.active;
    const hasInitial = keys.sealer(Level.initial) !== undefined;
    const size = Math.min(recovery.mtu.datagramBytes, path.budget);
    this.pacedUntil = NEVER;
    // RFC 9000 §14.1: Initial packets are padded; without leave to send so much, wait.
    if (size < (hasInitial ? initialBytes(parts) : MIN_DATAGRAM_BYTES)) return false;
    if (!burst.hasRoom(size)) return true;
    const start = burst.used;
    for (const space of HANDSHAKE_SPACES) recovery.setHeld(space, false);
    const count = this.#fill(burst.buffer, start, start + size, now);
    if (count === 0) return false;
    this.#pad(burst.buffer, start, count);
    const ecn = recovery.ecn.codepoint;
    const end = this.#seal(burst.buffer, count, ecn === 0 ? 0 : PacketFlag.ecn, now);
    const bytes = end - start;
    burst.commit(bytes, ecn, path.remote, 0, path.local, 0);
    parts.observer?.datagramSent(bytes, ecn, now);
    path.bytesSent += bytes;
    parts.counters.bytesSent += bytes;
    parts.counters.datagramsSent++;
    return true;
  }

  /** Writes what each level has to send, lowest first. @returns packets written */
  #fill(buffer: Uint8Array, start: number, end: number, now: TimeUs): number {
    const { keys } = this.#parts;
    let at = start;
    let count = 0;
    const application = keys.sealer(Level.oneRtt) !== undefined ? Level.oneRtt : Level.earlyData;
    for (const level of [Level.initial, Level.handshake, application] as const) {
      if (keys.sealer(level) === undefined) continue;
      const packet = this.#packets[count] as LevelPacket;
      const elicit = this.#mayElicit(level, end - start, now);
      if (!packet.begin(this.#payload, level, buffer, at, end, now, elicit)) continue;
      at = packet.end;
      count++;
    }
    return count;
  }

  /**
   * Window and pacer, but for probes. 1-RTT and 0-RTT data cannot be acknowledged before the handshake is, and has no
   * timer until then (RFC 9002 §6.2.1): so it leaves room, and a handshake that finds none all the same (the window became
   * smaller) goes on by probe timeouts.
   */
  #mayElicit(level: Level, size: number, now: TimeUs): boolean {
    const { recovery } = this.#parts;
    const space = SPACE_OF_LEVEL[level];
    if (recovery.probesOwed(space) > 0) return true;
    if (!this.#payload.wants(space)) return false;
    const isData = space === Space.application;
    if (!recovery.canSend(size, isData ? keptForHandshake(this.#parts) : 0)) {
      if (!isData) recovery.setHeld(space, true);
      return false;
    }
    const delay = recovery.pacingDelay(now, size);
    if (delay > 0) this.pacedUntil = Math.min(this.pacedUntil, now + delay);
    return delay <= 0;
  }

  /** RFC 9000 §14.1: a client pads every datagram with an Initial packet, a server those that elicit ACKs. */
  #pad(buffer: Uint8Array, start: number, count: number): void {
    const { isServer } = this.#parts;
    const first = this.#packets[0] as LevelPacket;
    const last = this.#packets[count - 1] as LevelPacket;
    if (first.level !== Level.initial || (isServer && !first.ackEliciting)) return;
    last.padTo(buffer, start + initialBytes(this.#parts));
  }

  #seal(buffer: Uint8Array, count: number, marked: number, now: TimeUs): number {
    const { recovery, paths, idle, isServer, handshake, counters } = this.#parts;
    let end = 0;
    let sentHandshake = false;
    for (let i = 0; i < count; i++) {
      const packet = this.#packets[i] as LevelPacket;
      packet.seal(buffer, now);
      end = packet.end;
      const elicit = packet.ackEliciting ? PacketFlag.ackEliciting | PacketFlag.inFlight : 0;
      const flags = marked | elicit | (packet.padded ? PacketFlag.inFlight : 0);
      recovery.onPacketSent(packet.space, now, packet.end - packet.start, flags, paths.active.congestionId);
      if (packet.ackEliciting) idle.onAckElicitingSent(now);
      sentHandshake ||= packet.level === Level.handshake;
      counters.packetsSent++;
    }
    // RFC 9001 §4.9.1
    if (sentHandshake && !isServer) handshake.discard(Level.initial, now);
    return end;
  }
}
