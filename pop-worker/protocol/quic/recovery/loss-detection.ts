import { NEVER, type TimeUs } from '../../contract.ts';
import { PacketFlag, PacketState } from './packet-flag.ts';
import type { PacketSpace } from './packet-space.ts';
import { GRANULARITY_US, type RttEstimator } from './rtt.ts';

/** RFC 9002 §6.1.1: kPacketThreshold. */
export const PACKET_THRESHOLD = 3;
/** RFC 9002 §6.1.2: kTimeThreshold. */
export const TIME_THRESHOLD = 9 / 8;
/** More reordering than this is not waited for. */
const MAX_PACKET_THRESHOLD = 128;
/** A packet that is as late as the latest one was should still be waited for. */
const LATE_MARGIN = 9 / 8;

const SETTLED = PacketState.acked | PacketState.lost | PacketState.skipped;

/**
 * Acknowledgement-based loss detection (RFC 9002 §6.1). Packets are sent in the order of their numbers, so those that
 * are lost form a prefix of those that are not settled: a cursor that only moves forward finds them.
 */
export class LossDetection {
  packetThreshold = PACKET_THRESHOLD;
  /** Microseconds beyond a round trip that late packets have taken; added to what is waited for. */
  #lateUs = 0;
  readonly #adaptive: boolean;

  /** @param adaptive wait longer after a spurious loss (RFC 9002 §6.1.1, in the manner of RFC 8985) */
  constructor(adaptive: boolean) {
    this.#adaptive = adaptive;
  }

  /** The time threshold in microseconds (RFC 9002 §6.1.2). */
  delayUs(rtt: RttEstimator): number {
    const roundTrip = Math.max(rtt.latestUs, rtt.smoothedUs);
    const late = Math.min(this.#lateUs, rtt.smoothedUs);
    return Math.max(TIME_THRESHOLD * roundTrip, roundTrip + late, GRANULARITY_US);
  }

  /**
   * Finds the next packet that is lost; the caller must mark it. When there is none, the space's `lossTime` says when
   * the next one will be.
   *
   * @returns its number, or -1
   */
  next(space: PacketSpace, now: TimeUs, delayUs: number): number {
    const sent = space.sent;
    const largest = space.largestAcked;
    let packetNumber = Math.max(space.lossCursor, sent.base);
    while (packetNumber < largest) {
      const slot = sent.slot(packetNumber);
      const flags = sent.flags[slot] as number;
      if ((flags & SETTLED) !== 0) {
        if ((flags & PacketState.acked) !== 0) space.passedAcked = true;
        packetNumber++;
        continue;
      }
      const lossTime = (sent.sentTime[slot] as number) + delayUs;
      // A packet that is not in flight is nothing to wait for: nobody will acknowledge it for its own sake.
      const inFlight = (flags & PacketFlag.inFlight) !== 0;
      if (inFlight && lossTime > now && !this.isPastThreshold(space, packetNumber)) {
        space.lossCursor = packetNumber;
        space.lossTime = lossTime;
        return -1;
      }
      space.lossCursor = packetNumber + 1;
      return packetNumber;
    }
    space.lossCursor = packetNumber;
    space.lossTime = NEVER;
    return -1;
  }

  /**
   * A packet that was deemed lost has been acknowledged after all.
   *
   * @param distance in packet numbers, to the largest that was acknowledged
   * @param tookUs from when it was sent to now, in microseconds
   */
  onSpuriousLoss(distance: number, tookUs: number, rtt: RttEstimator): void {
    if (!this.#adaptive) return;
    this.#lateUs = Math.max(this.#lateUs, LATE_MARGIN * (tookUs - rtt.smoothedUs));
    this.packetThreshold = Math.min(MAX_PACKET_THRESHOLD, Math.max(this.packetThreshold, distance + 1));
  }

  /** So many later packets were acknowledged that it is not waited for (RFC 9002 §6.1.1). */
  isPastThreshold(space: PacketSpace, packetNumber: number): boolean {
    const distance = space.largestAcked - packetNumber;
    if (distance < this.packetThreshold) return false;
    // RFC 9002 §A.10: numbers that we skipped ourselves are no packets.
    return distance - space.sent.skipped.between(packetNumber, space.largestAcked) >= this.packetThreshold;
  }
}
