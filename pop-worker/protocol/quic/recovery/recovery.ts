import type { CongestionController, ControllerOptions } from '../../congestion/controller.ts';
import type { TimeUs } from '../../contract.ts';
import type { AckFrame } from './ack-frame.ts';
import type { FrameKind } from './frame-kind.ts';
import type { Mtu } from './mtu.ts';
import type { SentPackets } from './sent-packets.ts';

/** Packet number spaces (RFC 9000 §12.3). */
export const Space = { initial: 0, handshake: 1, application: 2 } as const;
export type Space = (typeof Space)[keyof typeof Space];

/** What `onTimeout` found. */
export type Timeout = 'none' | 'lost' | 'probe';

/** Whom Recovery tells what became of frames. Called from inside `onAckReceived`, `onTimeout`, `probe` and resets. */
export interface RecoverySink {
  /** A packet with this frame was acknowledged: at most once for each record, maybe after `frameLost`. */
  frameAcked(space: Space, kind: FrameKind, a: number, b: number, c: number): void;
  /** A packet with this frame is deemed lost: at most once for each record. */
  frameLost(space: Space, kind: FrameKind, a: number, b: number, c: number): void;
  /** A probe is due and this is unacknowledged: send it again if nothing newer is there to send (RFC 9002 §6.2.4). */
  frameProbe(space: Space, kind: FrameKind, a: number, b: number, c: number): void;
  /** The largest datagram that the path takes has changed. */
  mtuChanged(datagramBytes: number): void;
}

/** ECN validation (RFC 9000 §13.4.2); only marked packets are told to it. */
export interface EcnHook {
  /**
   * @param newlyAckedMarked packets sent with an ECT codepoint that this frame acknowledges for the first time
   * @param largestGrew the frame raised the largest acknowledged number (else counts may be stale, §13.4.2.1)
   * @returns how much ECN-CE grew, 0 when the counts are not to be trusted
   */
  onAck(space: Space, frame: AckFrame, newlyAckedMarked: number, largestGrew: boolean): number;
  /** A marked packet was lost. */
  onLost(space: Space): void;
}

export interface RecoveryOptions {
  readonly isServer: boolean;
  /** Makes the path's controller; called again after a change of path. */
  readonly controller: (options: ControllerOptions) => CongestionController;
  readonly mtu: Mtu;
  readonly random: () => number;
  /** Packets that one space remembers at most. 131072 by default: 10 Gbit/s at 150 ms. */
  readonly maxPackets?: number;
  readonly ecn?: EcnHook;
}

/** Loss detection, congestion control, pacing and MTU discovery of one connection (RFC 9002). */
export class Recovery {
  readonly controller!: CongestionController;
  readonly mtu!: Mtu;

  constructor(_options: RecoveryOptions, _sink: RecoverySink) {
    throw new Error('not yet');
  }

  /** The sent packets of a space: `begin`, `frame` …, then `onPacketSent` here. */
  sent(_space: Space): SentPackets {
    throw new Error('not yet');
  }

  /**
   * The packet that was begun in this space leaves.
   *
   * @param bytes size of the QUIC packet (with its share of padding, without UDP header)
   * @param flags `PacketFlag` bits
   * @param path which path carries it; the one that counts is `path` here
   */
  onPacketSent(_space: Space, _now: TimeUs, _bytes: number, _flags: number, _path?: number): void {
    throw new Error('not yet');
  }

  /**
   * @param ackDelayUs the frame's delay in microseconds, scaled by the peer's ack_delay_exponent (0 in Initial and Handshake)
   * @throws QuicError remote PROTOCOL_VIOLATION when it acknowledges what was not sent (RFC 9000 §13.1)
   */
  onAckReceived(_space: Space, _frame: AckFrame, _ackDelayUs: number, _now: TimeUs): void {
    throw new Error('not yet');
  }

  /** When `onTimeout` is due: loss timer or probe timeout. */
  deadline(): TimeUs {
    throw new Error('not yet');
  }

  /** @returns `probe`: send one or two ack-eliciting packets in the spaces where `probesOwed` is not 0 */
  onTimeout(_now: TimeUs): Timeout {
    throw new Error('not yet');
  }

  /** Ack-eliciting packets to send in this space whatever the window and the pacer say; each one sent lowers it. */
  probesOwed(_space: Space): number {
    throw new Error('not yet');
  }

  /** Names the frames of the oldest unacknowledged packet(s) of a space to `frameProbe`. @returns `false`: none, send PING */
  probe(_space: Space): boolean {
    throw new Error('not yet');
  }

  get bytesInFlight(): number {
    throw new Error('not yet');
  }

  /** The window has room for a packet of this size; probes and ACK-only packets need not ask. */
  canSend(_bytes: number): boolean {
    throw new Error('not yet');
  }

  /** Microseconds until the pacer lets this many bytes go, 0 for now. */
  pacingDelay(_now: TimeUs, _bytes: number): number {
    throw new Error('not yet');
  }

  /** There was room in the window and the pacer, and nothing to send. */
  onApplicationLimited(_now: TimeUs): void {
    throw new Error('not yet');
  }

  /** Keys are dropped: forgets the space without telling of acks or losses (RFC 9002 §6.4). */
  discardSpace(_space: Space, _now: TimeUs): void {
    throw new Error('not yet');
  }

  /** A client got Retry (RFC 9002 §6.3): reports what Initial and 0-RTT packets carried as lost; congestion state starts anew. */
  resetForRetry(_now: TimeUs): void {
    throw new Error('not yet');
  }

  /** 0-RTT was rejected: reports what 0-RTT packets carried as lost, without a congestion event (RFC 9002 §6.4). */
  rejectEarlyData(_now: TimeUs): void {
    throw new Error('not yet');
  }

  /** Another path carries the connection from now on (RFC 9000 §9.4): RTT, congestion and MTU start anew. */
  onPathChange(_path: number, _now: TimeUs): void {
    throw new Error('not yet');
  }

  /** Handshake keys exist: an anti-deadlock probe goes there (RFC 9002 §6.2.2.1). */
  onHandshakeKeys(): void {
    throw new Error('not yet');
  }

  /** RFC 9001 §4.1.2. */
  onHandshakeConfirmed(_now: TimeUs): void {
    throw new Error('not yet');
  }

  /** A server may send nothing until more arrives (RFC 9000 §8.1): no probe timer meanwhile. */
  setAmplificationBlocked(_blocked: boolean): void {
    throw new Error('not yet');
  }

  /** The peer's max_ack_delay (RFC 9000 §18.2). */
  setPeerMaxAckDelay(_us: number): void {
    throw new Error('not yet');
  }

  /** The probe timeout of a space without backoff (RFC 9002 §6.2.1); idle and closing periods count in it. */
  ptoUs(_space: Space): number {
    throw new Error('not yet');
  }
}
