import type { TimeUs } from '../../contract.ts';
import type { AckFrame } from './ack-frame.ts';
import { AckWalk } from './ack-walk.ts';
import type { FrameKind } from './frame-kind.ts';
import type { LossDetection } from './loss-detection.ts';
import type { Mtu } from './mtu.ts';
import { PacketFlag, PacketState } from './packet-flag.ts';
import { type PacketSpace, Space } from './packet-space.ts';
import type { PathRecovery } from './path-recovery.ts';
import type { ProbeTimer } from './pto.ts';
import type { SentPackets } from './sent-packets.ts';
import type { RecoverySink, RecoveryStats } from './sink.ts';

/** What becomes of sent packets: acknowledged, lost, lost and acknowledged late; and who is told (RFC 9002 §A.7, §B.5 to §B.8). */
export class Settlement {
  readonly stats: RecoveryStats;
  /** The path that counts now. */
  path: PathRecovery;
  /** Of the latest ACK frame: something ack-eliciting was new; how many packets that this path carried marked were. */
  newlyAckedEliciting = false;
  newlyAckedMarked = 0;
  /** …and it made the controller cut its window. */
  windowCut = false;
  readonly #spaces: readonly PacketSpace[];
  readonly #timer: ProbeTimer;
  readonly #detection: LossDetection;
  readonly #mtu: Mtu;
  readonly #sink: RecoverySink;
  readonly #walk = new AckWalk();

  constructor(
    stats: RecoveryStats,
    path: PathRecovery,
    spaces: readonly PacketSpace[],
    timer: ProbeTimer,
    detection: LossDetection,
    mtu: Mtu,
    sink: RecoverySink,
  ) {
    this.stats = stats;
    this.path = path;
    this.#spaces = spaces;
    this.#timer = timer;
    this.#detection = detection;
    this.#mtu = mtu;
    this.#sink = sink;
  }

  get packetThreshold(): number {
    return this.#detection.packetThreshold;
  }

  /** @returns the largest newly acknowledged number, -1 for none */
  takeAcked(state: PacketSpace, frame: AckFrame, now: TimeUs): number {
    const path = this.path;
    const recoveryStart = path.controller.recoveryStartTime;
    let newest = -1;
    let packets = 0;
    this.newlyAckedEliciting = false;
    this.newlyAckedMarked = 0;
    this.windowCut = false;
    path.sampler.begin(path.bytesInFlight);
    this.#walk.start(state.sent, frame);
    for (let n = this.#walk.next(); n >= 0; n = this.#walk.next()) {
      this.#onAcked(state, n, recoveryStart, now);
      newest = n;
      packets++;
    }
    this.stats.packetsAcked += packets;
    return newest;
  }

  #onAcked(state: PacketSpace, packetNumber: number, recoveryStart: TimeUs, now: TimeUs): void {
    const sent = state.sent;
    const path = this.path;
    const slot = sent.slot(packetNumber);
    const flags = sent.flags[slot] as number;
    const bytes = sent.bytes[slot] as number;
    const sentTime = sent.sentTime[slot] as number;
    sent.markAcked(packetNumber);
    if (sentTime > state.newestAckedSentTime) state.newestAckedSentTime = sentTime;
    const here = sent.path[slot] === path.epoch;
    if ((flags & PacketState.counted) !== 0) {
      path.bytesInFlight -= bytes;
      const sample = path.sampler.sample;
      sample.newlyAcked += bytes;
      if (sentTime > recoveryStart) sample.ackedOutsideRecovery += bytes;
    }
    if (here && (flags & PacketFlag.inFlight) !== 0) {
      path.sampler.onPacketAcked(sent, slot, packetNumber, bytes, (flags & PacketState.appLimited) !== 0, now);
      if ((flags & PacketFlag.mtuProbe) !== 0) this.#mtu.onProbeAcked(bytes);
      else this.#mtu.onPacketAcked(bytes);
    }
    if ((flags & PacketFlag.ackEliciting) !== 0) {
      this.newlyAckedEliciting = true;
      if ((flags & PacketState.lost) === 0) state.ackElicitingInFlight--;
    }
    if (here && (flags & PacketFlag.ecn) !== 0) this.newlyAckedMarked++;
    if ((flags & PacketState.lost) !== 0) this.#onLateAck(state, packetNumber, slot, here, flags, now);
    this.#reportAcked(state, slot);
  }

  /** A packet was deemed lost and is acknowledged after all. */
  #onLateAck(state: PacketSpace, packetNumber: number, slot: number, here: boolean, flags: number, now: TimeUs): void {
    if (!here || (flags & PacketFlag.inFlight) === 0 || (flags & PacketFlag.mtuProbe) !== 0) return;
    this.stats.spuriousLosses++;
    this.path.persistent.interrupt();
    this.path.period.onLateAck(state.sent.lostTime[slot] as number);
    const took = now - (state.sent.sentTime[slot] as number);
    this.#detection.onSpuriousLoss(state.largestAcked - packetNumber, took, this.path.rtt);
  }

  /** Finds what is lost by now in a space, and tells. */
  detectLosses(state: PacketSpace, now: TimeUs): void {
    const path = this.path;
    const sent = state.sent;
    const delay = this.#detection.delayUs(path.rtt);
    let lostBytes = 0;
    let packets = 0;
    let newestSentTime = Number.NEGATIVE_INFINITY;
    let smallest = Number.POSITIVE_INFINITY;
    let persistent = false;
    for (let n = this.#detection.next(state, now, delay); n >= 0; n = this.#detection.next(state, now, delay)) {
      const slot = sent.slot(n);
      const flags = sent.flags[slot] as number;
      const congests = (flags & PacketState.counted) !== 0 && (flags & PacketFlag.mtuProbe) === 0;
      this.onLost(state, n, slot, flags, now);
      if (!congests) continue;
      const bytes = sent.bytes[slot] as number;
      packets++;
      lostBytes += bytes;
      newestSentTime = sent.sentTime[slot] as number;
      smallest = Math.min(smallest, bytes);
      if ((flags & PacketFlag.ackEliciting) !== 0 && this.#isPersistent(state, newestSentTime)) persistent = true;
    }
    if (packets === 0) return;
    path.sampler.sample.newlyLost += lostBytes;
    this.stats.packetsLost += packets;
    this.stats.bytesLost += lostBytes;
    this.#mtu.onPacketsLost(now, smallest);
    this.onCongestion(now, lostBytes, packets, newestSentTime, persistent, 0);
  }

  /** One packet is lost; whether that means congestion, `detectLosses` says. */
  onLost(state: PacketSpace, packetNumber: number, slot: number, flags: number, now: TimeUs): void {
    const path = this.path;
    const sent = state.sent;
    const bytes = sent.bytes[slot] as number;
    sent.flags[slot] = (flags | PacketState.lost) & ~PacketState.counted;
    sent.lostTime[slot] = now;
    if ((flags & PacketFlag.ackEliciting) !== 0) state.ackElicitingInFlight--;
    if ((flags & PacketFlag.ecn) !== 0 && sent.path[slot] === path.epoch) path.ecn.onLost();
    if ((flags & PacketState.counted) !== 0) {
      path.bytesInFlight -= bytes;
      if ((flags & PacketFlag.mtuProbe) !== 0) this.#mtu.onProbeLost(bytes);
      else this.#tellController(sent, packetNumber, slot, flags, now);
    }
    if ((flags & PacketFlag.inFlight) !== 0) {
      const isMtuProbe = (flags & PacketFlag.mtuProbe) !== 0;
      const byReordering = this.#detection.isPastThreshold(state, packetNumber);
      this.#sink.packetLost(state.id, packetNumber, isMtuProbe, byReordering, now);
    }
    this.report(state, slot, false);
  }

  #tellController(sent: SentPackets, packetNumber: number, slot: number, flags: number, now: TimeUs): void {
    const { sampler, lostPacket, controller } = this.path;
    sampler.lost += sent.bytes[slot] as number;
    lostPacket.packetNumber = packetNumber;
    lostPacket.bytes = sent.bytes[slot] as number;
    lostPacket.sentTime = sent.sentTime[slot] as number;
    lostPacket.txInFlight = sent.txInFlight[slot] as number;
    lostPacket.delivered = sent.delivered[slot] as number;
    lostPacket.lost = sampler.lost - (sent.lost[slot] as number);
    lostPacket.totalDelivered = sampler.delivered;
    lostPacket.isAppLimited = (flags & PacketState.appLimited) !== 0;
    controller.onPacketLost(now, lostPacket);
  }

  /** RFC 9002 §7.6.2, for the next lost ack-eliciting packet of this space. */
  #isPersistent(state: PacketSpace, sentTime: TimeUs): boolean {
    const { persistent, rtt } = this.path;
    if (state.passedAcked) persistent.interrupt();
    state.passedAcked = false;
    let elsewhere = Number.NEGATIVE_INFINITY;
    for (const other of this.#spaces) {
      if (other !== state) elsewhere = Math.max(elsewhere, other.newestAckedSentTime);
    }
    return persistent.onLost(sentTime, this.#timer.durationUs(rtt, Space.application), rtt.firstSampleTime, elsewhere);
  }

  /** Loss or ECN-CE (RFC 9002 §B.6, §B.7). */
  onCongestion(
    now: TimeUs,
    lostBytes: number,
    lostPackets: number,
    newestSentTime: TimeUs,
    persistent: boolean,
    marks: number,
  ): void {
    const { controller, period, rtt, sampler, bytesInFlight } = this.path;
    if (marks > 0) sampler.onMarked(marks * this.#mtu.datagramBytes);
    if (newestSentTime > controller.recoveryStartTime) {
      period.begin(now);
      this.windowCut = true;
    }
    period.onLost(lostPackets);
    controller.onCongestionEvent(now, lostBytes, newestSentTime, persistent, marks, bytesInFlight);
    if (marks > 0) period.makeFinal();
    if (!persistent) return;
    this.stats.persistentCongestions++;
    rtt.onPersistentCongestion();
    controller.onPersistentCongestion(now);
  }

  #reportAcked(state: PacketSpace, slot: number): void {
    const { frames, firstFrame, frameCount } = state.sent;
    const first = firstFrame[slot] as number;
    const end = first + (frameCount[slot] as number);
    const words = frames.words;
    for (let i = first; i < end; i++) {
      const at = frames.offset(i);
      const kind = words[at] as FrameKind;
      this.#sink.frameAcked(state.id, kind, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number);
    }
  }

  /** Tells that the frames of a packet are lost, or, for a probe, that they could be sent again. */
  report(state: PacketSpace, slot: number, probe: boolean): void {
    const { frames, firstFrame, frameCount } = state.sent;
    const first = firstFrame[slot] as number;
    const end = first + (frameCount[slot] as number);
    const sink = this.#sink;
    const words = frames.words;
    for (let i = first; i < end; i++) {
      const at = frames.offset(i);
      const kind = words[at] as FrameKind;
      const a = words[at + 1] as number;
      const b = words[at + 2] as number;
      const c = words[at + 3] as number;
      if (probe) sink.frameProbe(state.id, kind, a, b, c);
      else sink.frameLost(state.id, kind, a, b, c);
    }
  }
}
