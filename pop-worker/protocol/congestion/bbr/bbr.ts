import type { TimeUs } from '../../contract.ts';
import { type CongestionController, type ControllerOptions, minimumWindow } from '../controller.ts';
import type { LostPacket, RateSample } from '../rate-sampler.ts';
import { Machine } from './machine.ts';
import { Model } from './model.ts';
import { PROBE_RTT } from './state-table.ts';

/** BBRv3 (draft-ietf-ccwg-bbr-06). Deviations are in SPEC.md. */
export class Bbr implements CongestionController {
  readonly name = 'bbrv3';
  readonly model: Model;
  recoveryStartTime: TimeUs = Number.NEGATIVE_INFINITY;
  holdsBack = false;
  readonly #machine: Machine;
  #begun = false;
  #inRecovery = false;
  /** The losses that are being told began an episode; `onCongestionEvent` comes after them. */
  #episodeBegins = false;
  /** Packets that came with ECN-CE, as the ACK that is being heard tells. */
  #marks = 0;

  constructor(options: ControllerOptions) {
    this.model = new Model(options);
    this.#machine = new Machine(this.model);
  }

  get congestionWindow(): number {
    return this.model.cwnd;
  }

  get pacingRate(): number {
    return this.model.pacingRate;
  }

  get sendQuantum(): number {
    return this.model.sendQuantum;
  }

  get state(): string {
    return this.model.state.name;
  }

  onPacketSent(_now: TimeUs, _bytes: number, bytesInFlight: number): void {
    const { model } = this;
    if (bytesInFlight + model.datagramBytes > model.cwnd) model.rounds.onWindowFull();
  }

  onAck(now: TimeUs, sample: RateSample, bytesInFlight: number): void {
    const { model } = this;
    const { shortTerm } = model;
    model.bytesInFlight = bytesInFlight;
    model.delivered = sample.totalDelivered;
    if (this.#inRecovery && sample.largestSentTime > this.recoveryStartTime) this.#leaveRecovery();
    if (this.#marks > 0) this.#machine.onMarked(now, sample, this.#marks);
    this.#marks = 0;
    model.onRtt(sample.rttUs);
    shortTerm.beginAck(sample);
    model.rounds.update(sample.priorDelivered, sample.totalDelivered);
    model.maxBandwidth.update(sample.deliveryRate, sample.isAppLimited);
    if (shortTerm.roundStart) {
      shortTerm.endRound(!model.state.probesBandwidth, model.maxBandwidth.value, model.cwnd);
    }
    const { rounds, fullBandwidth } = model;
    model.extraAcked.update(now, model.bandwidth, sample.newlyAcked, model.cwnd, rounds.count, fullBandwidth.reached);
    const wasProbingRtt = model.state === PROBE_RTT;
    this.#machine.onAck(now, sample, this.#inRecovery);
    this.holdsBack = wasProbingRtt || model.state === PROBE_RTT;
    shortTerm.endAck(sample);
    model.boundBandwidth();
    model.setPacingRate();
    model.setSendQuantum();
    model.setCwnd(sample.newlyAcked);
    model.boundCwnd();
  }

  onPacketLost(now: TimeUs, packet: LostPacket): void {
    this.model.delivered = packet.totalDelivered;
    if (packet.sentTime > this.recoveryStartTime) this.#saveForUndo();
    this.#machine.onLost(now, packet);
  }

  onCongestionEvent(
    now: TimeUs,
    _lostBytes: number,
    largestSentTime: TimeUs,
    _persistent: boolean,
    marks: number,
    bytesInFlight: number,
  ): void {
    this.model.bytesInFlight = bytesInFlight;
    // §3.7: what a mark means is judged with the sample of its ACK.
    this.#marks += marks;
    if (largestSentTime <= this.recoveryStartTime) return;
    this.#saveForUndo();
    this.#episodeBegins = false;
    this.recoveryStartTime = now;
    this.#inRecovery = true;
  }

  /** §5.6.4.4, OnEnterRTO(): one datagram more than is in flight. */
  onPersistentCongestion(_now: TimeUs): void {
    const { model } = this;
    this.#machine.undo.saveCwnd(model, this.#inRecovery);
    model.cwnd = Math.max(model.bytesInFlight + model.datagramBytes, minimumWindow(model.datagramBytes));
  }

  onSpuriousLoss(_now: TimeUs): void {
    this.#inRecovery = false;
    this.#machine.onSpuriousLoss();
  }

  onApplicationLimited(_now: TimeUs, _bytesInFlight: number): void {}

  onIdleRestart(now: TimeUs, isAppLimited: boolean): void {
    this.model.bytesInFlight = 0;
    if (!this.#begun) this.#begin(now);
    if (isAppLimited) this.#machine.onIdleRestart(now);
  }

  onMtuChange(maxDatagramBytes: number): void {
    const { model } = this;
    model.datagramBytes = maxDatagramBytes;
    model.cwnd = Math.max(model.cwnd, model.minimumCwnd);
    model.setSendQuantum();
  }

  /** As an episode of recovery begins, once. */
  #saveForUndo(): void {
    if (!this.#episodeBegins) this.#machine.undo.save(this.model, this.#inRecovery);
    this.#episodeBegins = true;
  }

  #begin(now: TimeUs): void {
    this.#begun = true;
    this.model.minRtt.begin(now);
    this.model.extraAcked.restart(now);
  }

  #leaveRecovery(): void {
    this.#inRecovery = false;
    this.#machine.undo.restoreCwnd(this.model);
  }
}
