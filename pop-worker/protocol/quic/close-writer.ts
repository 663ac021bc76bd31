import type { Burst } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import type { CloseReason } from './close.ts';
import { TransportError } from './errors.ts';
import { initialBytes } from './initial-size.ts';
import { LevelPacket } from './level-packet.ts';
import type { Parts } from './parts.ts';
import { Level, TAG_BYTES } from './ports.ts';
import { writeConnectionClose } from './wire/frames/connection-close.ts';

/** Room that one packet with CONNECTION_CLOSE needs, without a reason in words: before validation there may be no more. */
const CLOSE_BYTES = 64;
const NO_REASON = new Uint8Array();

/** The datagram with CONNECTION_CLOSE: at every level that the peer may be able to read (RFC 9000 §10.2.3). */
export class CloseWriter {
  readonly #parts: Parts;
  readonly #packets: readonly LevelPacket[];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#packets = [new LevelPacket(parts), new LevelPacket(parts), new LevelPacket(parts)];
  }

  write(now: TimeUs, burst: Burst): boolean {
    const { closer, paths, recovery, counters, observer } = this.#parts;
    const path = paths.active;
    const reason = closer.reason;
    const size = Math.min(recovery.mtu.datagramBytes, path.budget);
    if (!closer.pending || reason === undefined) return false;
    if (size < CLOSE_BYTES || !burst.hasRoom(size)) return false;
    const start = burst.used;
    const end = this.#fill(reason, burst.buffer, start, start + size, now);
    if (end === start) return false;
    closer.onSent({
      bytes: burst.buffer.slice(start, end),
      remote: path.remote,
      local: path.local,
      answersFrom: now + recovery.rtt.smoothedUs,
    });
    burst.commit(end - start, 0, path.remote, 0, path.local, 0);
    observer?.datagramSent(end - start, 0, now);
    path.bytesSent += end - start;
    counters.bytesSent += end - start;
    counters.datagramsSent++;
    return true;
  }

  /** After confirmation 1-RTT only; before, all levels whose keys we have. */
  #levels(): readonly Level[] {
    const { keys, handshake } = this.#parts;
    const levels = handshake.isConfirmed
      ? [Level.oneRtt]
      : [Level.initial, Level.earlyData, Level.handshake, Level.oneRtt];
    const usable = levels.filter((level) => keys.sealer(level) !== undefined);
    // 0-RTT only where nothing better is there beside Initial.
    return usable.length > 2 ? usable.filter((level) => level !== Level.earlyData) : usable;
  }

  #fill(reason: CloseReason, buffer: Uint8Array, start: number, limit: number, now: TimeUs): number {
    const { isServer } = this.#parts;
    let at = start;
    let count = 0;
    let initial = false;
    for (const level of this.#levels()) {
      const packet = this.#packets[count];
      if (packet === undefined || !this.#begin(packet, level, reason, buffer, at, limit)) continue;
      at = packet.end;
      count++;
      initial ||= level === Level.initial;
    }
    const last = this.#packets[count - 1];
    // RFC 9000 §14.1
    if (initial && !isServer) last?.padTo(buffer, Math.min(limit, start + initialBytes(this.#parts)));
    for (let i = 0; i < count; i++) this.#send(this.#packets[i] as LevelPacket, buffer, now);
    return last?.end ?? start;
  }

  #begin(packet: LevelPacket, level: Level, reason: CloseReason, buffer: Uint8Array, at: number, end: number): boolean {
    packet.open(level, at);
    const first = packet.writeHeader(buffer, at, end);
    if (first < 0) return false;
    const hide = reason.application && (level === Level.initial || level === Level.handshake);
    const behind = writeConnectionClose(
      buffer,
      first,
      end - TAG_BYTES,
      reason.application && !hide,
      hide ? TransportError.applicationError : reason.code,
      reason.frameType,
      hide ? NO_REASON : encode(reason.reason),
    );
    if (behind === first) return false;
    packet.finish(buffer, behind);
    return true;
  }

  #send(packet: LevelPacket, buffer: Uint8Array, now: TimeUs): void {
    const { recovery, paths, counters } = this.#parts;
    packet.seal(buffer, now);
    const log = recovery.sent(packet.space);
    log.begin(log.nextPacketNumber);
    recovery.onPacketSent(packet.space, now, packet.end - packet.start, 0, paths.active.congestionId);
    counters.packetsSent++;
  }
}

/** Reasons are ASCII (RFC 9000 §19.19 wants UTF-8); other characters become question marks. */
const encode = (reason: string): Uint8Array => {
  const bytes = new Uint8Array(Math.min(reason.length, 256));
  for (let i = 0; i < bytes.length; i++) {
    const code = reason.charCodeAt(i);
    bytes[i] = code < 0x80 ? code : 0x3f;
  }
  return bytes;
};
