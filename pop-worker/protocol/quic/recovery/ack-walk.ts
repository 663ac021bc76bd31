import type { AckFrame } from './ack-frame.ts';
import type { SentPackets } from './sent-packets.ts';

/**
 * Walks over the packets that an ACK frame acknowledges for the first time, in ascending order. Costs what the ranges
 * above the oldest remembered packet and the newly acknowledged packets cost, however many were acknowledged before.
 *
 * `next` must be followed by `SentPackets.markAcked` of the number it gave.
 */
export class AckWalk {
  #sent: SentPackets | undefined;
  #ranges: Float64Array = new Float64Array(0);
  #range = -1;
  #at = 0;

  start(sent: SentPackets, frame: AckFrame): void {
    this.#sent = sent;
    this.#ranges = frame.ranges;
    this.#at = sent.base;
    let range = -1;
    while (range + 1 < frame.count && (frame.ranges[range * 2 + 3] as number) >= sent.base) range++;
    this.#range = range;
  }

  /** @returns the next packet number, -1 when there are no more */
  next(): number {
    const sent = this.#sent;
    if (sent === undefined) return -1;
    const ranges = this.#ranges;
    let range = this.#range;
    while (range >= 0) {
      const low = ranges[range * 2] as number;
      const packetNumber = sent.firstUnacked(Math.max(this.#at, low));
      if (packetNumber <= (ranges[range * 2 + 1] as number) && packetNumber < sent.nextPacketNumber) {
        this.#at = packetNumber + 1;
        this.#range = range;
        return packetNumber;
      }
      range--;
    }
    this.#range = -1;
    return -1;
  }
}
