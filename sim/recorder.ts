import type { TimeUs } from '#protocol/contract.ts';
import type { Packet } from './path/packet.ts';
import { Series } from './series.ts';

/** One entry of a flow's history lasts so long. */
export const BIN_US = 100_000;
/** RFC 3550 §6.4.1: J moves by a sixteenth. */
const JITTER_GAIN = 1 / 16;

/** What a flow's packets met on their way to the receiver. Microseconds, bytes. */
export class Recorder {
  /** One-way delays after the warm-up. */
  readonly delays = new Series();
  /** Absolute differences of the delays of packets that follow each other (RFC 3393 §2.1). */
  readonly variations = new Series();
  /** Interarrival jitter (RFC 3550 §6.4.1), after each packet. */
  readonly jitters = new Series();
  /** IP bytes that arrived in each bin from the start on. */
  readonly bins: number[] = [];
  /** The longest one-way delay in each bin from the start on. */
  readonly worst: number[] = [];
  bytes = 0;
  sentPackets = 0;
  arrivedPackets = 0;
  readonly #warmUp: TimeUs;
  readonly #end: TimeUs;
  #lastDelay: TimeUs | undefined;
  #jitter = 0;

  /** @param warmUp when counting begins @param end packets that leave later may be on their way when all is over */
  constructor(warmUp: TimeUs, end: TimeUs) {
    this.#warmUp = warmUp;
    this.#end = end;
  }

  onSent(now: TimeUs): void {
    if (this.#counts(now)) this.sentPackets++;
  }

  #counts(sentAt: TimeUs): boolean {
    return sentAt >= this.#warmUp && sentAt < this.#end;
  }

  onArrived({ size, sentAt }: Packet, now: TimeUs): void {
    const bin = Math.floor(now / BIN_US);
    while (this.bins.length <= bin) {
      this.bins.push(0);
      this.worst.push(0);
    }
    this.bins[bin] = (this.bins[bin] as number) + size;
    this.worst[bin] = Math.max(this.worst[bin] as number, now - sentAt);
    if (this.#counts(sentAt)) this.arrivedPackets++;
    if (now < this.#warmUp) return;
    this.bytes += size;
    const delay = now - sentAt;
    this.delays.push(delay);
    if (this.#lastDelay !== undefined) {
      const variation = Math.abs(delay - this.#lastDelay);
      this.variations.push(variation);
      this.#jitter += (variation - this.#jitter) * JITTER_GAIN;
      this.jitters.push(this.#jitter);
    }
    this.#lastDelay = delay;
  }
}
