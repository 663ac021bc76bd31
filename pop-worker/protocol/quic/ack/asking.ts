import type { TimeUs } from '../../contract.ts';
import { FrameKind } from '../recovery/frame-kind.ts';
import type { Recovery } from '../recovery/recovery.ts';
import type { FrameLog } from '../streams/frame-log.ts';
import { MAX_ACK_FREQUENCY_BYTES, writeAckFrequency } from '../wire/frames/ack-frequency.ts';

/** RFC 9000 §13.2.2: a peer that nobody asked acknowledges every second packet. */
const USUAL = 2;
/** What is in flight brings about so many ACKs: with 16 a path with a short queue carries 4 % less (`sim bbr shallow`). */
const ACKS_IN_FLIGHT = 32;
/** One packet waits so large a part of a round trip for its ACK. */
const DELAY_SHARE = 4;
/** More packets than two GRO batches need not wait for each other. */
const MOST = 128;
/** The peer is asked when what we want is this many times what it does, or less than that part of it. */
const FAR = 2;

/** States of controllers whose windows grow with each ACK. */
const STARTING: ReadonlySet<string> = new Set(['slow-start', 'startup']);

const isFar = (wanted: number, asked: number): boolean => wanted >= FAR * asked || wanted * FAR <= asked;

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/**
 * How often we, as a sender, want the peer's ACKs: ACK_FREQUENCY and IMMEDIATE_ACK (draft-ietf-quic-ack-frequency), for a
 * peer that declared min_ack_delay in this handshake.
 *
 * - 32 ACKs for what was in flight at most in the last round trip, or for the window: each feeds the delivery rate,
 *   the RTT and the window's growth, and a congestion signal waits no longer than they are apart (§8.1). While the window
 *   doubles with each round trip the usual ones are wanted.
 * - A packet waits a quarter of a round trip, never longer than the peer would have had it wait by itself. The probe
 *   timeout goes by the latter all the same (§7 would allow for the shorter one): receivers that wait for a processor,
 *   not for their timers, would be probed for nothing.
 * - Gaps are told of when we would call the packet lost (§9): the reordering threshold is our packet threshold.
 * - Nothing is asked before 128 packets are in flight, nor where a round trip is shorter than the peer's timer is good for
 *   (§8.1). Then the wish is looked at once a round trip, and a frame goes when it is twice or half of what it was.
 */
export class AckRequests {
  /** A frame is to be sent. */
  pending = false;
  /** Frames written. */
  framesWritten = 0;
  /** What is asked for: ack-eliciting packets an ACK, microseconds that one waits, reordering threshold. */
  every = USUAL;
  delayUs = 0;
  reordering = 1;
  readonly #recovery: Recovery;
  /** -1: the peer knows neither frame. */
  #minDelayUs = -1;
  #maxDelayUs = 0;
  #peak = 0;
  #reviewAt: TimeUs = 0;
  #demanded = false;

  constructor(recovery: Recovery) {
    this.#recovery = recovery;
  }

  /** @param minDelayUs undefined: it knows neither frame (§3) */
  setPeer(maxDelayUs: number, minDelayUs: number | undefined): void {
    this.#maxDelayUs = maxDelayUs;
    this.#minDelayUs = minDelayUs ?? -1;
    this.delayUs = maxDelayUs;
  }

  /** IMMEDIATE_ACK may be sent. */
  get mayDemand(): boolean {
    return this.#minDelayUs >= 0;
  }

  /** The next packet that must be acknowledged asks for that at once. */
  demand(): void {
    this.#demanded = this.mayDemand;
  }

  /** It is that packet. */
  takeDemand(): boolean {
    const demanded = this.#demanded;
    this.#demanded = false;
    return demanded;
  }

  /** An ACK of 1-RTT packets arrived, and is not yet settled. */
  onAck(now: TimeUs): void {
    if (this.#minDelayUs < 0) return;
    const { bytesInFlight } = this.#recovery;
    if (bytesInFlight > this.#peak) this.#peak = bytesInFlight;
    if (now >= this.#reviewAt) this.#review(now);
  }

  /** RTT and window start anew (§8.4). */
  onPathChange(): void {
    this.#peak = 0;
    this.#reviewAt = 0;
  }

  #review(now: TimeUs): void {
    const { controller, mtu, rtt, packetThreshold } = this.#recovery;
    const packets = Math.min(controller.congestionWindow, this.#peak) / mtu.datagramBytes;
    const starting = STARTING.has(controller.state);
    const every = starting ? USUAL : clamp(Math.floor(packets / ACKS_IN_FLIGHT), USUAL, MOST);
    const delayUs = Math.ceil(clamp(rtt.smoothedUs / DELAY_SHARE, this.#minDelayUs, this.#maxDelayUs));
    this.#reviewAt = now + rtt.smoothedUs;
    this.#peak = 0;
    const isShort = rtt.smoothedUs < DELAY_SHARE * this.#minDelayUs;
    if (this.framesWritten === 0 && (isShort || every < FAR * USUAL)) return;
    const changed = isFar(every, this.every) || isFar(delayUs, this.delayUs) || packetThreshold !== this.reordering;
    if (!changed) return;
    this.every = every;
    this.delayUs = delayUs;
    this.reordering = packetThreshold;
    this.pending = true;
  }

  writeFrame(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    if (at + MAX_ACK_FREQUENCY_BYTES > end) return at;
    const sequence = this.framesWritten++;
    this.pending = false;
    log.frame(FrameKind.ackFrequency, sequence, 0, 0);
    return writeAckFrequency(buffer, at, sequence, this.every - 1, this.delayUs, this.reordering);
  }

  /** The latest is sent again, under a new number (§4). */
  onLost(sequence: number): void {
    if (sequence === this.framesWritten - 1) this.pending = true;
  }
}
