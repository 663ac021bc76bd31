import type { Limit } from './detectors.ts';

/** A second. */
export type Rates = Limit;

/** Windows that are looked at together: one alone has too few samples to say much. */
const TOGETHER = 3;
/** Fewer samples in them say nothing. */
const LEAST_SAMPLES = 6;

interface Window {
  packets: number;
  bytes: number;
  samples: number;
  seconds: number;
}

/** What came in the last windows, from samples. */
export class RecentRates {
  readonly #windows: Window[] = Array.from({ length: TOGETHER }, () => ({
    packets: 0,
    bytes: 0,
    samples: 0,
    seconds: 0,
  }));
  #at = 0;
  #samples = 0;
  #rates: Rates = { packets: 0, bits: 0 };

  get rates(): Rates {
    return this.#rates;
  }

  /** @param packets that the sample stands for @param bytes of one of them */
  add(packets: number, bytes: number): void {
    const window = this.#windows[this.#at] as Window;
    window.packets += packets;
    window.bytes += packets * bytes;
    window.samples++;
  }

  /** Ends a window that was so long. */
  turn(windowSeconds: number): void {
    (this.#windows[this.#at] as Window).seconds = windowSeconds;
    const sum = { packets: 0, bytes: 0, samples: 0, seconds: 0 };
    for (const { packets, bytes, samples, seconds } of this.#windows) {
      sum.packets += packets;
      sum.bytes += bytes;
      sum.samples += samples;
      sum.seconds += seconds;
    }
    this.#samples = sum.samples;
    this.#rates = { packets: sum.packets / sum.seconds, bits: (8 * sum.bytes) / sum.seconds };
    this.#at = (this.#at + 1) % TOGETHER;
    const next = this.#windows[this.#at] as Window;
    next.packets = next.bytes = next.samples = next.seconds = 0;
  }

  /** The share of a limit that is surely used: a standard deviation less than it seems. */
  load(limit: Limit): number {
    if (this.#samples < LEAST_SAMPLES) return 0;
    const sure = 1 - 1 / Math.sqrt(this.#samples);
    return sure * Math.max(this.#rates.packets / limit.packets, this.#rates.bits / limit.bits);
  }
}
