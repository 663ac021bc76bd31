import { formatIpAddress } from '#protocol/ip/text.ts';
import { addressKey } from './address-key.ts';
import { Distinct } from './distinct.ts';
import { patternOf } from './pattern.ts';
import type { PacketSample } from './sample.ts';
import { Top } from './top.ts';

/** Samples that are kept of an attack, the last ones. */
const KEPT = 256;
const TOP_SOURCES = 32;
const SHOWN_SOURCES = 10;
const SHOWN_HEADERS = 5;

export interface Evidence {
  /** Samples that it is made of; patterns of the last 256. */
  readonly samples: number;
  /** About so many. */
  readonly sources: number;
  /** The loudest, with at most this share of packets. */
  readonly topSources: readonly { readonly address: string; readonly share: number }[];
  readonly headers: readonly PacketSample[];
}

/** What is known of packets that a detector is alert of. Some 40 KiB at most. */
export class Profile {
  readonly #recent: PacketSample[] = [];
  readonly #sources = new Top(TOP_SOURCES);
  readonly #distinct: Distinct;
  #samples = 0;
  #packets = 0;

  constructor(seed: number) {
    this.#distinct = new Distinct(seed);
  }

  get samples(): number {
    return this.#samples;
  }

  take(sample: PacketSample): void {
    this.#recent[this.#samples % KEPT] = sample;
    this.#samples++;
    this.#packets += sample.every;
    this.#sources.add(addressKey(sample.source), sample.source, sample.every);
    this.#distinct.add(sample.source);
  }

  evidence(): Evidence {
    return {
      samples: this.#samples,
      sources: this.#distinct.count(),
      topSources: this.#sources.list(SHOWN_SOURCES).map(({ address, weight }) => ({
        address: formatIpAddress(address),
        share: weight / this.#packets,
      })),
      headers: this.#recent.slice(0, SHOWN_HEADERS),
    };
  }

  pattern(share: number): ReturnType<typeof patternOf> {
    return patternOf(this.#recent, share);
  }
}
