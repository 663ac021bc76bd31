import type { CongestionController } from '#protocol/congestion/controller.ts';
import { NEVER, type TimeUs } from '../../contract.ts';
import { remoteError, TransportError } from '../errors.ts';
import type { AckFrame } from './ack-frame.ts';
import { EcnValidation } from './ecn.ts';
import { forgetAckOnly, forgetAll, retire } from './forgetting.ts';
import { LossDetection } from './loss-detection.ts';
import type { Mtu } from './mtu.ts';
import type { RecoveryOptions } from './options.ts';
import { PacketFlag, PacketState } from './packet-flag.ts';
import { PacketSpace, Space } from './packet-space.ts';
import { PathRecovery } from './path-recovery.ts';
import { ProbeTimer } from './pto.ts';
import type { RttEstimator } from './rtt.ts';
import type { SentPackets } from './sent-packets.ts';
import { Settlement } from './settlement.ts';
import { type RecoverySink, type RecoveryStats, recoveryStats } from './sink.ts';

export type { RecoveryOptions } from './options.ts';
export { Space } from './packet-space.ts';
export type { RecoverySink, RecoveryStats } from './sink.ts';

const ACK_FRAME_TYPE = 0x02;
const DEFAULT_MAX_PACKETS = 131_072;
/** Packets that only acknowledge are not waited for once a space remembers this many. */
const ACK_ONLY_KEPT = 256;
/** RFC 9002 §6.2.4: one or two datagrams a probe timeout. */
const PROBES = 2;

/** What `onTimeout` found. */
export type Timeout = 'none' | 'lost' | 'probe';

/**
 * Loss detection, congestion control, pacing and MTU discovery of one connection (RFC 9002). Knows packets and what they
 * carried as numbers only; what is to be done about a lost frame is the sink's.
 */
export class Recovery {
  readonly mtu: Mtu;
  readonly stats: RecoveryStats = recoveryStats();
  readonly #options: RecoveryOptions;
  readonly #sink: RecoverySink;
  readonly #spaces: readonly [PacketSpace, PacketSpace, PacketSpace];
  readonly #timer: ProbeTimer;
  readonly #settlement: Settlement;
  /** When something was last sent, acknowledged or discarded. */
  #lastEvent: TimeUs = NEVER;
  #datagramBytes: number;

  constructor(options: RecoveryOptions, sink: RecoverySink) {
    const maxPackets = options.maxPackets ?? DEFAULT_MAX_PACKETS;
    this.mtu = options.mtu;
    this.#options = options;
    this.#sink = sink;
    this.#datagramBytes = options.mtu.datagramBytes;
    this.#spaces = [
      new PacketSpace(Space.initial, maxPackets),
      new PacketSpace(Space.handshake, maxPackets),
      new PacketSpace(Space.application, maxPackets),
    ];
    this.#timer = new ProbeTimer(options.isServer);
    const detection = new LossDetection(options.adaptiveReordering !== false);
    const path = this.#newPath(0, 0, 0);
    this.#settlement = new Settlement(this.stats, path, this.#spaces, this.#timer, detection, this.mtu, sink);
  }

  get controller(): CongestionController {
    return this.#settlement.path.controller;
  }

  get rtt(): RttEstimator {
    return this.#settlement.path.rtt;
  }

  get bytesInFlight(): number {
    return this.#settlement.path.bytesInFlight;
  }

  /** Whether the present path bears ECN, and how its datagrams are to be marked. */
  get ecn(): Readonly<EcnValidation> {
    return this.#settlement.path.ecn;
  }

  /** A packet is lost once so many later ones were acknowledged (RFC 9002 §6.1.1); it grows with reordering. */
  get packetThreshold(): number {
    return this.#settlement.packetThreshold;
  }

  /** Consecutive probe timeouts. */
  get probeTimeouts(): number {
    return this.#timer.count;
  }

  /** The sent packets of a space: `begin`, `frame` …, then `onPacketSent` here. */
  sent(space: Space): SentPackets {
    return this.#spaces[space].sent;
  }

  /**
   * The packet that was begun in this space leaves.
   *
   * @param bytes size of the QUIC packet (with its share of padding, without UDP header); of a probe, of the datagram
   * @param flags `PacketFlag` bits
   * @param path which path carries it, if not the one that counts here: it then has no part in congestion and RTT
   */
  onPacketSent(space: Space, now: TimeUs, bytes: number, flags: number, path: number = this.#settlement.path.id): void {
    const state = this.#spaces[space];
    const current = this.#settlement.path;
    const sent = state.sent;
    const here = path === current.id;
    this.#lastEvent = now;
    this.stats.packetsSent++;
    if (here && (flags & PacketFlag.inFlight) !== 0) {
      const prior = current.bytesInFlight;
      if (prior === 0) current.controller.onIdleRestart(now, current.sampler.isAppLimited);
      const limited = current.sampler.isAppLimited ? PacketState.appLimited : 0;
      const slot = sent.commit(now, bytes, flags | PacketState.counted | limited, current.epoch);
      current.bytesInFlight = prior + bytes;
      current.sampler.onPacketSent(sent, slot, now, prior, prior + bytes);
      current.controller.onPacketSent(now, bytes, prior + bytes);
      current.pacer.onSent(now, bytes);
    } else {
      sent.commit(now, bytes, flags, here ? current.epoch : -1);
    }
    if (here && (flags & PacketFlag.ecn) !== 0) current.ecn.onSent(state.ecn);
    if ((flags & PacketFlag.ackEliciting) !== 0) {
      state.ackElicitingInFlight++;
      state.lastAckElicitingTime = now;
      if (state.probesOwed > 0) state.probesOwed--;
    }
    if (here && (flags & PacketFlag.mtuProbe) !== 0) this.mtu.onProbeSent(now, bytes);
    if (sent.crowded) sent.retire(NEVER);
    if ((flags & PacketFlag.inFlight) === 0 && sent.count > ACK_ONLY_KEPT) forgetAckOnly(state, this.#settlement, now);
  }

  /**
   * @param ackDelayUs the frame's delay in microseconds, scaled by the peer's ack_delay_exponent (0 in Initial and Handshake)
   * @throws QuicError remote PROTOCOL_VIOLATION when it acknowledges what was not sent (RFC 9000 §13.1)
   */
  onAckReceived(space: Space, frame: AckFrame, ackDelayUs: number, now: TimeUs): void {
    const state = this.#spaces[space];
    const path = this.#settlement.path;
    const { rtt, sampler } = path;
    const sent = state.sent;
    if (frame.largest >= sent.nextPacketNumber || sent.skipped.overlaps(frame.ranges, frame.count)) {
      throw remoteError(TransportError.protocolViolation, 'ACK of a packet that was not sent', ACK_FRAME_TYPE);
    }
    const largestGrew = frame.largest > state.largestAcked;
    const newest = this.#settlement.takeAcked(state, frame, now);
    if (newest < 0) return;
    if (largestGrew) state.largestAcked = frame.largest;
    const slot = sent.slot(newest);
    const newestSentTime = sent.sentTime[slot] as number;
    const here = sent.path[slot] === path.epoch;
    // §5.1: only the largest acknowledged packet gives a sample, and only if something ack-eliciting is new.
    if (here && newest === frame.largest && this.#settlement.newlyAckedEliciting) {
      const maxDelay = this.#timer.handshakeConfirmed ? this.#timer.peerMaxAckDelayUs : Number.POSITIVE_INFINITY;
      rtt.update(now - newestSentTime, ackDelayUs, maxDelay, now);
    }
    const marks = path.ecn.onAck(state.ecn, frame, this.#settlement.newlyAckedMarked, largestGrew);
    this.stats.ecnCe += marks;
    // RFC 9002 §7.1
    if (marks > 0 && here) this.#settlement.onCongestion(now, 0, 0, newestSentTime, false, marks);
    this.#settlement.detectLosses(state, now);
    if (path.period.takeSpurious()) path.controller.onSpuriousLoss(now);
    const sample = sampler.finish(now, rtt.smoothedUs, rtt.minUs);
    // §A.7: losses first. What was acknowledged along with the loss that began a period was sent before that.
    if (this.#settlement.windowCut) sample.ackedOutsideRecovery = 0;
    if (sample.rttUs > 0) path.controller.onAck(now, sample, path.bytesInFlight);
    if (path.controller.holdsBack) sampler.onApplicationLimited(path.bytesInFlight);
    if (space === Space.handshake) this.#timer.handshakeAcked = true;
    // §6.2.1: a client that may be keeping the server from a deadlock goes on backing off.
    if (this.#timer.peerCompletedAddressValidation) this.#timer.count = 0;
    this.#lastEvent = now;
    retire(state, this.#settlement, now);
    this.#noteMtu();
  }

  /** When `onTimeout` is due: loss timer or probe timeout. */
  deadline(): TimeUs {
    const lossTime = this.#lossTime;
    // §6.2.1: no probe timeout while the time threshold is being waited for.
    if (lossTime !== NEVER) return lossTime;
    return this.#timer.deadline(this.#spaces, this.#settlement.path.rtt, this.#lastEvent);
  }

  get #lossTime(): TimeUs {
    const [initial, handshake, application] = this.#spaces;
    return Math.min(initial.lossTime, handshake.lossTime, application.lossTime);
  }

  /** What `deadline` is: some packet will count as lost then; else a probe timeout. */
  get awaitsLoss(): boolean {
    return this.#lossTime !== NEVER;
  }

  /** @returns `probe`: send one or two ack-eliciting packets in the spaces where `probesOwed` is not 0 */
  onTimeout(now: TimeUs): Timeout {
    if (this.deadline() > now) return 'none';
    let lossTimer = false;
    for (const state of this.#spaces) {
      if (state.lossTime === NEVER) continue;
      lossTimer = true;
      if (state.lossTime > now) continue;
      this.#settlement.path.sampler.sample.newlyLost = 0;
      this.#settlement.detectLosses(state, now);
      retire(state, this.#settlement, now);
    }
    if (lossTimer) this.#noteMtu();
    else this.#onProbeTimeout(now);
    return lossTimer ? 'lost' : 'probe';
  }

  /** Ack-eliciting packets to send in this space whatever the window and the pacer say; each one sent lowers it. */
  probesOwed(space: Space): number {
    return this.#spaces[space].probesOwed;
  }

  /**
   * Names the frames of the oldest unacknowledged packet of a space to `frameProbe`; the next call after the same timeout,
   * those of the packet after it. @returns `false`: there is none, send PING
   */
  probe(space: Space): boolean {
    const state = this.#spaces[space];
    const sent = state.sent;
    let packetNumber = Math.max(state.probeCursor, state.lossCursor, sent.base);
    for (;;) {
      packetNumber = sent.firstUnacked(packetNumber);
      if (packetNumber >= sent.nextPacketNumber) return false;
      const slot = sent.slot(packetNumber++);
      const flags = sent.flags[slot] as number;
      if ((flags & PacketState.lost) !== 0 || (flags & PacketFlag.ackEliciting) === 0) continue;
      if ((flags & PacketFlag.mtuProbe) !== 0 || sent.frameCount[slot] === 0) continue;
      state.probeCursor = packetNumber;
      this.#settlement.report(state, slot, true);
      return true;
    }
  }

  /** The window has room for a packet of this size; probes and ACK-only packets need not ask. @param kept for others */
  canSend(bytes: number, kept = 0): boolean {
    return this.bytesInFlight + bytes + kept <= this.controller.congestionWindow;
  }

  /** Data of the handshake waits for the window: then it is sent at probe timeouts. */
  setHeld(space: Space, held: boolean): void {
    this.#spaces[space].held = held;
  }

  /** Microseconds until the pacer lets this many bytes go, 0 for now. */
  pacingDelay(now: TimeUs, bytes: number): number {
    return this.#settlement.path.pacer.delayUntil(now, bytes);
  }

  /** There was room in the window and the pacer, and nothing to send. */
  onApplicationLimited(now: TimeUs): void {
    const { bytesInFlight, controller, sampler } = this.#settlement.path;
    if (bytesInFlight >= controller.congestionWindow) return;
    sampler.onApplicationLimited(bytesInFlight);
    controller.onApplicationLimited(now, bytesInFlight);
  }

  /** The peer's max_udp_payload_size (RFC 9000 §18.2). */
  setPeerDatagramLimit(bytes: number): void {
    this.mtu.setPeerLimit(bytes);
    this.#noteMtu();
  }

  /** The kernel refused a datagram of this size (EMSGSIZE), or a validated ICMP message said that it does not fit. */
  onDatagramTooLarge(now: TimeUs, bytes: number): void {
    this.mtu.onTooLarge(now, bytes);
    this.#noteMtu();
  }

  /** A datagram of this size certainly arrived. */
  confirmDatagramBytes(bytes: number): void {
    this.mtu.confirm(bytes);
    this.#noteMtu();
  }

  /** Keys are dropped: forgets the space without telling of acks or losses (RFC 9002 §6.4). */
  discardSpace(space: Space, now: TimeUs): void {
    forgetAll(this.#spaces[space], this.#settlement, false);
    this.#spaces[space].sent.release();
    this.#timer.count = 0;
    this.#lastEvent = now;
  }

  /** A client got Retry (RFC 9002 §6.3): reports what Initial and 0-RTT packets carried as lost; congestion state starts anew. */
  resetForRetry(now: TimeUs): void {
    for (const space of [Space.initial, Space.application]) forgetAll(this.#spaces[space], this.#settlement, true);
    this.#timer.count = 0;
    this.#lastEvent = now;
    this.#settlement.path = this.#newPath(this.#settlement.path.id, this.#settlement.path.epoch + 1, now);
  }

  /** A client begins anew in another version: nothing was sent so far, and numbers begin at 0 (RFC 9000 §12.3). */
  restart(now: TimeUs): void {
    for (const space of [Space.initial, Space.application]) {
      forgetAll(this.#spaces[space], this.#settlement, false);
      this.#spaces[space].restart();
    }
    this.#timer.count = 0;
    this.#lastEvent = now;
    this.#settlement.path = this.#newPath(this.#settlement.path.id, this.#settlement.path.epoch + 1, now);
  }

  /** 0-RTT was rejected: reports what 0-RTT packets carried as lost, without a congestion event (RFC 9002 §6.4). */
  rejectEarlyData(now: TimeUs): void {
    forgetAll(this.#spaces[Space.application], this.#settlement, true);
    this.#lastEvent = now;
  }

  /**
   * Another path carries the connection from now on (RFC 9000 §9.4): RTT, congestion and MTU start anew. Not to be called
   * when only the peer's port changed.
   *
   * @param cap what the new path's interface and address family allow, in bytes of UDP payload
   */
  onPathChange(path: number, now: TimeUs, cap?: number): void {
    for (const { sent } of this.#spaces) {
      for (let n = sent.base; n < sent.nextPacketNumber; n++) {
        const slot = sent.slot(n);
        sent.flags[slot] = (sent.flags[slot] as number) & ~PacketState.counted;
      }
    }
    this.mtu.reset(now, cap);
    this.#settlement.path = this.#newPath(path, this.#settlement.path.epoch + 1, now);
    this.#timer.count = 0;
    this.#lastEvent = now;
    this.#noteMtu();
  }

  /** Handshake keys exist: an anti-deadlock probe goes there (RFC 9002 §6.2.2.1). */
  onHandshakeKeys(): void {
    this.#timer.hasHandshakeKeys = true;
  }

  /** RFC 9001 §4.1.2 */
  onHandshakeConfirmed(): void {
    this.#timer.handshakeConfirmed = true;
  }

  /** A server may send nothing until more arrives (RFC 9000 §8.1): no probe timer meanwhile. */
  setAmplificationBlocked(blocked: boolean): void {
    this.#timer.amplificationBlocked = blocked;
  }

  /** The peer's max_ack_delay (RFC 9000 §18.2). */
  setPeerMaxAckDelay(us: number): void {
    this.#timer.peerMaxAckDelayUs = us;
  }

  /** The probe timeout of a space without backoff (RFC 9002 §6.2.1); idle and closing periods count in it. */
  ptoUs(space: Space): number {
    return this.#timer.durationUs(this.#settlement.path.rtt, space);
  }

  #onProbeTimeout(now: TimeUs): void {
    const timer = this.#timer;
    const target = this.#spaces[timer.space];
    target.probesOwed = target.ackElicitingInFlight > 0 ? PROBES : 1;
    for (const state of this.#spaces) {
      state.probeCursor = 0;
      // §6.2.4: other spaces with data in flight probe too; the peer may have the keys of one of them only.
      if (state === target || (state.ackElicitingInFlight === 0 && !state.held)) continue;
      if (state.id !== Space.application || timer.handshakeConfirmed) state.probesOwed = Math.max(state.probesOwed, 1);
    }
    timer.count++;
    this.stats.probeTimeouts++;
    this.#lastEvent = now;
    this.mtu.onProbeTimeout(now, timer.count);
    this.#settlement.path.ecn.onProbeTimeout();
    this.#noteMtu();
  }

  #newPath(id: number, epoch: number, now: TimeUs): PathRecovery {
    const maxDatagramBytes = this.mtu.datagramBytes;
    const controller = this.#options.controller({ maxDatagramBytes, random: this.#options.random });
    return new PathRecovery(
      id,
      epoch,
      controller,
      maxDatagramBytes,
      new EcnValidation(this.#options.ecn, this.stats),
      now,
    );
  }

  #noteMtu(): void {
    const bytes = this.mtu.datagramBytes;
    if (bytes === this.#datagramBytes) return;
    this.#datagramBytes = bytes;
    this.#settlement.path.controller.onMtuChange(bytes);
    this.#sink.mtuChanged(bytes);
  }
}
