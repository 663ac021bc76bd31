import { NEVER, type TimeUs } from '../../contract.ts';
import { RangeSet } from '../ranges.ts';
import { CE, ECT0, ECT1 } from '../recovery/ecn.ts';
import { writeAck } from '../wire/frames/ack.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import { AckFrequency } from './frequency.ts';
import { RequestedAcks } from './requested.ts';

export interface AckReceiverOptions {
  /** Initial and Handshake: each ack-eliciting packet is acknowledged at once (RFC 9000 §13.2.1). */
  readonly immediate: boolean;
  /** Our max_ack_delay in microseconds (RFC 9000 §18.2); 25 ms by default. */
  readonly maxAckDelayUs?: number;
  /** Our min_ack_delay in microseconds; 0, the default: the peer may not choose (draft-ietf-quic-ack-frequency §3). */
  readonly minAckDelayUs?: number;
  /** Our ack_delay_exponent; 3 by default. */
  readonly ackDelayExponent?: number;
  /** Ranges remembered at most. 256 by default. */
  readonly maxRanges?: number;
}

/** From so many ranges on it is worth a PING to have them settled (RFC 9000 §13.2.4)… */
const CROWDED_RANGES = 8;
/** …but only with one ACK in so many. */
const PING_EVERY = 32;

/** Which packets of one packet number space arrived, and when to say so (RFC 9000 §13.2). */
export class AckReceiver {
  /** The largest packet number received, -1 for none. */
  largest = -1;
  /** Packets received by the codepoint of their datagram (RFC 9000 §13.4.1). */
  ect0 = 0;
  ect1 = 0;
  ce = 0;
  /** ACK frames written. */
  framesWritten = 0;

  readonly #immediate: boolean;
  /** Microseconds that 1 in an ACK's delay stands for. */
  readonly #delayUnit: number;
  readonly #frequency: AckFrequency;
  readonly #requested: RequestedAcks;
  readonly #ranges: RangeSet;
  #largestAt: TimeUs = 0;
  #largestEliciting = -1;
  /** Ack-eliciting packets since the last ACK. */
  #waiting = 0;
  #dueAt: TimeUs = NEVER;
  #enough = false;
  #urgent = false;
  #writtenAt: TimeUs = Number.NEGATIVE_INFINITY;
  #framesSincePing = 0;
  /** The packet at hand has IMMEDIATE_ACK. */
  #demanded = false;
  /** Largest number that an ACK told of. */
  #reported = -1;

  constructor(options: AckReceiverOptions) {
    this.#immediate = options.immediate;
    this.#delayUnit = 2 ** (options.ackDelayExponent ?? 3);
    this.#frequency = new AckFrequency(options.maxAckDelayUs ?? 25_000);
    this.#requested = new RequestedAcks(options.minAckDelayUs ?? 0, options.maxAckDelayUs ?? 25_000);
    this.#ranges = new RangeSet(options.maxRanges ?? 256);
  }

  /** How many ack-eliciting packets an ACK is sent for at present (see `AckFrequency`). */
  get ackEvery(): number {
    return this.#frequency.ackEvery;
  }

  /**
   * Ask before the frames are processed (RFC 9000 §12.3). Numbers too old to be remembered count as duplicates: they may
   * have been forgotten only because nothing below is accepted any more (§13.2.3).
   */
  isDuplicate(packetNumber: number): boolean {
    return packetNumber < this.#ranges.floor || (packetNumber <= this.largest && this.#ranges.contains(packetNumber));
  }

  /**
   * A packet was authenticated and its frames processed. Ignored when it is a duplicate.
   *
   * @param ecn codepoint of its datagram, 0 to 3 (1 is ECT(1), 2 is ECT(0), 3 is CE)
   */
  onPacket(packetNumber: number, ackEliciting: boolean, ecn: number, now: TimeUs): void {
    if (packetNumber < this.#ranges.floor || !this.#ranges.add(packetNumber)) return;
    if (ecn === ECT0) this.ect0++;
    else if (ecn === ECT1) this.ect1++;
    else if (ecn === CE) this.ce++;
    if (packetNumber > this.largest) {
      this.largest = packetNumber;
      this.#largestAt = now;
    }
    if (ackEliciting) this.#onEliciting(packetNumber, ecn, now);
  }

  #onEliciting(packetNumber: number, ecn: number, now: TimeUs): void {
    this.#waiting++;
    const { isActive, every, maxDelayUs } = this.#requested;
    if (this.#waiting === 1) this.#dueAt = now + (isActive ? maxDelayUs : this.#frequency.delayUs);
    const outOfOrder = this.#outOfOrder(packetNumber);
    if (packetNumber > this.#largestEliciting) this.#largestEliciting = packetNumber;
    if (this.#immediate || this.#demanded || ecn === CE || outOfOrder) this.#urgent = true;
    else if (this.#waiting >= (isActive ? every : this.#frequency.ackEvery)) this.#enough = true;
    if (this.#urgent || this.#enough) this.#dueAt = Math.min(this.#dueAt, now);
    this.#demanded = false;
  }

  /** RFC 9000 §13.2.1: below another ack-eliciting one, or above it with packets missing in between. */
  #outOfOrder(packetNumber: number): boolean {
    if (this.#requested.reordering !== 1) {
      const largest = Math.max(packetNumber, this.#largestEliciting);
      return this.#requested.isOutside(this.#ranges, packetNumber, largest, this.#reported);
    }
    const expected = Math.max(this.#largestEliciting + 1, this.#ranges.floor);
    return packetNumber < this.#largestEliciting || this.#ranges.low(0) > expected;
  }

  /** IMMEDIATE_ACK stands in the packet at hand, which is not yet noted. @throws QuicError remote */
  onImmediateAck(): void {
    this.#requested.checkSupport(FrameType.immediateAck);
    this.#demanded = true;
  }

  /** ACK_FREQUENCY does. @throws QuicError remote */
  onAckFrequency(sequence: number, threshold: number, maxDelayUs: number, reordering: number): void {
    this.#requested.onFrame(sequence, threshold, maxDelayUs, reordering);
  }

  /** An ACK is to be sent now, with or without anything else. */
  due(now: TimeUs): boolean {
    return this.#waiting > 0 && now >= this.#dueAt;
  }

  /** Something new is to be acknowledged, so that an ACK should ride on a packet that goes anyway (RFC 9000 §13.2.1). */
  get pending(): boolean {
    return this.#waiting > 0;
  }

  /** When `due` becomes true by itself. */
  deadline(): TimeUs {
    return this.#waiting > 0 ? this.#dueAt : NEVER;
  }

  /**
   * Writes an ACK frame and takes it as sent; as many ranges as fit.
   *
   * @returns the offset behind it, `at` itself when not even one range fits or nothing is to be acknowledged. The
   * packet's log wants `FrameKind.ack` with a = `largest`, b = the space.
   */
  writeFrame(buffer: Uint8Array, at: number, end: number, now: TimeUs): number {
    const delay = Math.floor(Math.max(0, now - this.#largestAt) / this.#delayUnit);
    const hasEcn = this.ect0 + this.ect1 + this.ce > 0;
    const next = writeAck(buffer, at, end, this.#ranges, delay, hasEcn ? this : undefined);
    if (next === at) return at;
    if (this.#enough) this.#frequency.onEnough(now - this.#writtenAt);
    else if (!this.#urgent && this.due(now)) this.#frequency.onTimer();
    this.#waiting = 0;
    this.#reported = this.largest;
    this.#dueAt = NEVER;
    this.#enough = false;
    this.#urgent = false;
    this.#writtenAt = now;
    this.framesWritten++;
    this.#framesSincePing++;
    return next;
  }

  /**
   * A PING should go with the next ACK: we send nothing that the peer acknowledges, so that ranges pile up
   * (RFC 9000 §13.2.4). True for one ACK in 32 at most; asking takes it as done.
   */
  takePing(): boolean {
    if (this.#ranges.count < CROWDED_RANGES || this.#framesSincePing < PING_EVERY) return false;
    this.#framesSincePing = 0;
    return true;
  }

  /** The packet with our ACK of `largest` was acknowledged: what it said need not be repeated (RFC 9000 §13.2.4). */
  onAckAcked(largest: number): void {
    this.#framesSincePing = 0;
    this.#ranges.removeBelow(largest + 1);
  }
}
