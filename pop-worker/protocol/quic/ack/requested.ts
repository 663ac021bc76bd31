import { remoteError, TransportError } from '../errors.ts';
import type { RangeSet } from '../ranges.ts';
import { FrameType } from '../wire/frames/frame-type.ts';

/** RFC 9000 §18.2: no max_ack_delay reaches this, in microseconds. */
const INVALID_DELAY_US = 2 ** 14 * 1000;

/** How the peer wants to be told what arrived: ACK_FREQUENCY (draft-ietf-quic-ack-frequency §4, §6.2). */
export class RequestedAcks {
  readonly #minDelayUs: number;
  #sequence = -1;
  /** Ack-eliciting packets for each ACK. */
  every = 2;
  maxDelayUs: number;
  /** 1: every gap brings an ACK about at once, 0: none does. */
  reordering = 1;

  /** @param minDelayUs what we declared as min_ack_delay; 0: the frame is not supported */
  constructor(minDelayUs: number, maxDelayUs: number) {
    this.#minDelayUs = minDelayUs;
    this.maxDelayUs = maxDelayUs;
  }

  /** The peer may send these frames. @throws QuicError remote FRAME_ENCODING_ERROR: we do not know them */
  checkSupport(frameType: number): void {
    if (this.#minDelayUs > 0) return;
    throw remoteError(TransportError.frameEncodingError, 'unknown frame type', frameType);
  }

  /**
   * A frame arrived, maybe an obsolete one.
   *
   * @returns whether it changed anything
   * @throws QuicError remote PROTOCOL_VIOLATION for a delay that no max_ack_delay can be
   */
  onFrame(sequence: number, threshold: number, maxDelayUs: number, reordering: number): boolean {
    this.checkSupport(FrameType.ackFrequency);
    if (maxDelayUs < this.#minDelayUs || maxDelayUs >= INVALID_DELAY_US) {
      throw remoteError(TransportError.protocolViolation, 'ACK delay out of bounds', FrameType.ackFrequency);
    }
    if (sequence <= this.#sequence) return false;
    this.#sequence = sequence;
    this.every = threshold + 1;
    this.maxDelayUs = maxDelayUs;
    this.reordering = reordering;
    return true;
  }

  /** A frame was taken: the peer's wish counts, not our own judgement. */
  get isActive(): boolean {
    return this.#sequence >= 0;
  }

  /**
   * The gaps are so wide that the sender could tell a loss, or one was filled that it thinks lost (§6.2).
   *
   * @param arrived number of the packet at hand @param largest of all ack-eliciting ones @param acked largest that an ACK told of
   */
  isOutside(ranges: RangeSet, arrived: number, largest: number, acked: number): boolean {
    if (this.reordering === 0) return false;
    const reported = acked - this.reordering;
    if (arrived < largest && arrived <= reported) return true;
    const from = Math.max(reported + 1, ranges.floor, 0);
    const missing = ranges.contains(from) ? ranges.coveredUntil(from) + 1 : from;
    return missing < largest && largest - missing >= this.reordering;
  }
}
