import { Burst, D_ECN, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../../burst.ts';
import type { TimeUs } from '../../contract.ts';
import type { SeededRandom } from './random.ts';

/** How a link treats datagrams. Probabilities in [0, 1]. */
export interface LinkOptions {
  readonly delayUs: number;
  /** Added to the delay, uniform in [0, jitterUs): reorders. */
  readonly jitterUs?: number;
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** Larger datagrams vanish. */
  readonly mtu?: number;
  /** The ECN codepoint with which a datagram arrives. */
  readonly remark?: (ecn: number) => number;
  /** Decides over single datagrams; true: it is lost. */
  readonly drop?: (datagram: Datagram) => boolean;
}

const MOST_AT_ONCE = 256;

export interface Datagram {
  readonly bytes: Uint8Array;
  /** Six words each. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly ecn: number;
  readonly at: TimeUs;
}

/** One direction of a link, in virtual time. */
export class Link {
  readonly #options: LinkOptions;
  readonly #random: SeededRandom;
  readonly #queue: Datagram[] = [];
  sent = 0;
  lost = 0;

  constructor(options: LinkOptions, random: SeededRandom) {
    this.#options = options;
    this.#random = random;
  }

  /** When the next datagram arrives, Infinity for none. */
  get next(): TimeUs {
    return this.#queue[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Takes every datagram of a burst. @param local where they come from, if the burst does not say */
  send(burst: Burst, local: Int32Array, now: TimeUs, seen: (datagram: Datagram) => void): void {
    for (const datagram of datagramsOf(burst, local, now)) {
      seen(datagram);
      this.#transmit(datagram);
    }
  }

  #transmit(datagram: Datagram): void {
    const { loss = 0, duplicate = 0, mtu = 65_535, drop } = this.#options;
    this.sent++;
    if (
      datagram.to[0] === 0 ||
      datagram.bytes.length > mtu ||
      this.#random.next() < loss ||
      drop?.(datagram) === true
    ) {
      this.lost++;
      return;
    }
    this.#enqueue(datagram);
    if (this.#random.next() < duplicate) this.#enqueue(datagram);
  }

  #enqueue(datagram: Datagram): void {
    const { delayUs, jitterUs = 0, corrupt = 0, remark } = this.#options;
    const at = datagram.at + delayUs + Math.floor(this.#random.next() * jitterUs);
    const bytes = datagram.bytes.slice();
    if (this.#random.next() < corrupt) {
      const i = this.#random.below(bytes.length);
      bytes[i] = (bytes[i] as number) ^ (1 << this.#random.below(8));
    }
    let place = this.#queue.length;
    while (place > 0 && (this.#queue[place - 1] as Datagram).at > at) place--;
    const ecn = remark?.(datagram.ecn) ?? datagram.ecn;
    this.#queue.splice(place, 0, { ...datagram, bytes, ecn, at });
  }

  /**
   * Datagrams that have arrived by now, as received bursts, equal ones joined as GRO does.
   *
   * @param seen called for each of them, not for what was lost
   */
  receive(now: TimeUs, seen: (datagram: Datagram) => void = () => {}): Burst | undefined {
    if (this.next > now) return undefined;
    const here = this.#queue.filter(({ at }) => at <= now).slice(0, MOST_AT_ONCE);
    const burst = new Burst(
      here.reduce((sum, { bytes }) => sum + bytes.length, 0),
      here.length,
    );
    while (this.next <= now) {
      const datagram = this.#queue[0] as Datagram;
      if (!burst.hasRoom(datagram.bytes.length)) break;
      this.#queue.shift();
      seen(datagram);
      burst.buffer.set(datagram.bytes, burst.used);
      burst.commit(datagram.bytes.length, datagram.ecn, datagram.from, 0, datagram.to, 0);
    }
    return burst;
  }
}

export const datagramsOf = (burst: Burst, local: Int32Array, now: TimeUs): Datagram[] => {
  const out: Datagram[] = [];
  const { words, buffer } = burst;
  for (let i = 0; i < burst.count; i++) {
    const base = i * DESCRIPTOR_WORDS;
    const start = words[base + D_OFFSET] as number;
    const end = start + (words[base + D_LENGTH] as number);
    const segment = words[base + D_SEGMENT] as number;
    const to = words.slice(base + D_REMOTE, base + D_REMOTE + 6);
    const from = words[base + D_LOCAL] === 0 ? local.slice() : words.slice(base + D_LOCAL, base + D_LOCAL + 6);
    for (let at = start; at < end; at += segment) {
      const bytes = buffer.slice(at, Math.min(end, at + segment));
      out.push({ bytes, from, to, ecn: words[base + D_ECN] as number, at: now });
    }
  }
  return out;
};
