import type { TimeUs } from '../contract.ts';
import type { CloseInfo, HandshakeInfo } from './api.ts';
import type { ConnectionCounters } from './counters.ts';
import type { Path } from './paths/path.ts';
import type { Level } from './ports.ts';
import type { Space } from './recovery/recovery.ts';
import type { PacketType } from './wire/packet/packet-type.ts';

/** Why packets are dropped: the counters of it. Challenges are frames. */
export type DropReason = Exclude<Extract<keyof ConnectionCounters, `dropped${string}`>, 'droppedChallenges'>;

/**
 * Who wants to see how a connection fares, to log it; a connection has one at most (`Parts.observer`), and asks no more
 * than whether it is there. It is told what cannot be read from the connection's parts, and when to look at those. Buffers
 * are lent for the call. It must not change anything and must not throw.
 */
export interface ConnectionObserver {
  /**
   * A packet is about to be sealed: header and payload still are as they were written.
   *
   * @param headerAt its first byte @param start of the payload @param end of the payload: the tag goes there
   * @param isMtuProbe it is sent to see whether its size arrives (RFC 9000 §14.4)
   */
  packetSent(
    level: Level,
    packetNumber: number,
    buffer: Uint8Array,
    headerAt: number,
    start: number,
    end: number,
    path: Path,
    isMtuProbe: boolean,
    now: TimeUs,
  ): void;
  /** A packet is authentic and no duplicate; what it brings about comes after this. */
  packetReceived(
    level: Level,
    packetNumber: number,
    buffer: Uint8Array,
    headerAt: number,
    start: number,
    end: number,
    path: Path,
    now: TimeUs,
  ): void;
  /** Retry or Version Negotiation, believed. @param versions those that the server offers, none with Retry */
  replyReceived(type: PacketType, bytes: number, versions: readonly number[], now: TimeUs): void;
  /** @param level undefined: not known @param bytes of the packet */
  packetDropped(reason: DropReason, level: Level | undefined, bytes: number, now: TimeUs): void;
  /** It came before its keys, and waits for them. */
  packetBuffered(level: Level, bytes: number, now: TimeUs): void;
  /** @param byReordering later packets were acknowledged; else it took too long (RFC 9002 §6.1) */
  packetLost(space: Space, packetNumber: number, isMtuProbe: boolean, byReordering: boolean, now: TimeUs): void;
  /** UDP payloads: `segment` bytes each, the last maybe less. @param ecn codepoint of the IP header */
  datagramsReceived(bytes: number, segment: number, ecn: number, now: TimeUs): void;
  datagramSent(bytes: number, ecn: number, now: TimeUs): void;
  handshakeComplete(info: HandshakeInfo, now: TimeUs): void;
  /** Something was received, sent or timed out, and all that follows from it is done. */
  settled(now: TimeUs): void;
  closed(info: CloseInfo, now: TimeUs): void;
  /** The last call: nothing of the connection is left. */
  forgotten(): void;
}
