import { type ControllerOptions, initialWindow, MAX_SEND_QUANTUM } from '../controller.ts';
import { MIN_PIPE_DATAGRAMS, NOMINAL_RTT_US, PACING_MARGIN, QUANTUM_US } from './constants.ts';
import { ExtraAcked } from './extra-acked.ts';
import { FullBandwidth } from './full-bandwidth.ts';
import { LongTerm } from './long-term.ts';
import { MaxBandwidth } from './max-bandwidth.ts';
import { MinRtt } from './min-rtt.ts';
import { Rounds } from './rounds.ts';
import { ShortTerm } from './short-term.ts';
import { PROBE_RTT, STARTUP, type State, UP } from './state-table.ts';

const { max, min } = Math;

/**
 * What a flow knows of its path, and what follows from it (draft-ietf-ccwg-bbr-06 §2, §5.5, §5.6). The states read and
 * change it. Bytes, microseconds, bytes a second.
 */
export class Model {
  state: State = STARTUP;
  readonly rounds = new Rounds();
  readonly maxBandwidth = new MaxBandwidth();
  readonly fullBandwidth = new FullBandwidth();
  readonly shortTerm = new ShortTerm();
  readonly longTerm = new LongTerm();
  readonly minRtt = new MinRtt();
  readonly extraAcked = new ExtraAcked();
  readonly random: () => number;
  /** BBR.bw: what the flow may count on. */
  bandwidth = 0;
  // A field without a value begins as undefined, and the engine would then put each fraction into a box of its own.
  cwnd = 0;
  pacingRate = 0;
  sendQuantum = 0;
  datagramBytes = 0;
  bytesInFlight = 0;
  /** C.delivered. */
  delivered = 0;
  /** BBR.idle_restart. */
  idleRestart = false;
  readonly #initialCwnd: number;
  #hasRtt = false;

  constructor({ maxDatagramBytes, random }: ControllerOptions) {
    this.random = random;
    this.datagramBytes = maxDatagramBytes;
    this.#initialCwnd = initialWindow(maxDatagramBytes);
    this.cwnd = this.#initialCwnd;
    this.pacingRate = this.#initialRate(NOMINAL_RTT_US);
    this.setSendQuantum();
  }

  /** BBR.MinPipeCwnd. */
  get minimumCwnd(): number {
    return MIN_PIPE_DATAGRAMS * this.datagramBytes;
  }

  /** §5.6.4.2, BDPMultiple(). @param bandwidth BBR.bw, or BBR.max_bw where the draft says so */
  bdp(gain: number, bandwidth = this.bandwidth): number {
    const { valueUs } = this.minRtt;
    return valueUs === Number.POSITIVE_INFINITY ? this.#initialCwnd : (gain * bandwidth * valueUs) / 1e6;
  }

  /** §5.6.4.2, Inflight(): what has to be in flight for this multiple of the BDP, given how packets are sent. */
  inflight(gain: number, bandwidth = this.bandwidth): number {
    return this.#withBudgets(this.bdp(gain, bandwidth));
  }

  /** §5.3.3.8.2, TargetInflight(). */
  get targetInflight(): number {
    return min(this.bdp(1), this.cwnd);
  }

  /** §5.6.4.5, ProbeRTTCwnd(). */
  get probeRttCwnd(): number {
    return max(this.bdp(PROBE_RTT.cwndGain), this.minimumCwnd);
  }

  /** §5.5.10.3, BoundBWForModel(). */
  boundBandwidth(): void {
    this.bandwidth = min(this.maxBandwidth.value, this.shortTerm.bandwidth);
  }

  /** §5.6.2, SetPacingRateWithGain(): until the pipe was full, the rate only rises. */
  setPacingRate(gain = this.state.pacingGain): void {
    const rate = gain * this.bandwidth * PACING_MARGIN;
    if (rate > 0 && (this.fullBandwidth.reached || rate > this.pacingRate)) this.pacingRate = rate;
  }

  /** §5.6.3, SetSendQuantum(), but one datagram where a millisecond has room for less than two: pairs would jitter. */
  setSendQuantum(): void {
    const lasting = (this.pacingRate * QUANTUM_US) / 1e6;
    this.sendQuantum = max(min(lasting, MAX_SEND_QUANTUM), this.datagramBytes);
  }

  /** §5.6.4.6, SetCwnd(), with §5.6.4.5, BoundCwndForProbeRTT(). */
  setCwnd(newlyAcked: number): void {
    const most = this.#withBudgets(this.bdp(this.state.cwndGain) + this.extraAcked.value);
    if (this.fullBandwidth.reached) this.cwnd = min(this.cwnd + newlyAcked, most);
    else if (this.cwnd < most || this.delivered < this.#initialCwnd) this.cwnd += newlyAcked;
    this.cwnd = max(this.cwnd, this.minimumCwnd);
    if (this.state === PROBE_RTT) this.cwnd = min(this.cwnd, this.probeRttCwnd);
  }

  /** §5.6.4.7, BoundCwndForModel(). */
  boundCwnd(): void {
    const { volumeCap } = this.state;
    let cap = Number.POSITIVE_INFINITY;
    if (volumeCap === 'long-term') cap = this.longTerm.inflight;
    else if (volumeCap === 'headroom') cap = this.longTerm.withHeadroom(this.datagramBytes);
    this.cwnd = min(this.cwnd, max(min(cap, this.shortTerm.inflight), this.minimumCwnd));
  }

  /** The first round trip is measured: the rate of the start is a guess no more (§5.6.2, InitPacingRate). */
  onRtt(rttUs: number): void {
    if (this.#hasRtt) return;
    this.#hasRtt = true;
    if (!this.fullBandwidth.reached) this.pacingRate = this.#initialRate(max(rttUs, 1));
  }

  #initialRate(rttUs: number): number {
    return (STARTUP.pacingGain * this.#initialCwnd * 1e6) / rttUs;
  }

  /** §5.6.4.2, QuantizationBudget(); for QUIC the offload budget is the send quantum (§5.5.8.2). */
  #withBudgets(bytes: number): number {
    const least = max(bytes, this.sendQuantum, this.minimumCwnd);
    return this.state === UP ? least + 2 * this.datagramBytes : least;
  }
}
