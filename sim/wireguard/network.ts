import { sameAddress } from '#protocol/address.ts';
import type { SeededRandom } from '#protocol/quic/testing/random.ts';
import { MessageType } from '#protocol/wireguard/wire/message.ts';
import type { Events } from '../events.ts';
import { FARTHEST_US, MOST_DISORDER_US, NEAREST_US } from './bounds.ts';
import { Captured, type Datagram } from './captured.ts';
import { addressOf, type Side } from './side.ts';
import { CLEAN, type Weather } from './weather.ts';

/** Whoever replays does so from here, or in the name of who sent it first. */
const STRANGER = addressOf(66, 66);
const MAC2_BYTES = 16;

/** What arrives at a side. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly from: Int32Array;
  /** It comes for the first time, as it was sent. What is not must be refused. */
  readonly isFresh: boolean;
}

/** Between two sides: it does to datagrams what its weather is. */
export class Network {
  /** Since when nothing is lost, late or changed; Infinity: something is. */
  calmSince = 0;
  readonly counts = { sent: 0, lost: 0, duplicated: 0, late: 0, changed: 0, replayed: 0 };
  /** Bytes from and to whoever replays, of each side. */
  readonly stranger = [0, 1].map(() => ({ sent: 0, received: 0 }));
  #weather: Weather = CLEAN;
  readonly #events: Events;
  readonly #random: SeededRandom;
  readonly #arrives: (at: 0 | 1, arrival: Arrival) => void;
  readonly #captured = [new Captured(), new Captured()] as const;

  constructor(events: Events, random: SeededRandom, arrives: (at: 0 | 1, arrival: Arrival) => void) {
    this.#events = events;
    this.#random = random;
    this.#arrives = arrives;
  }

  /** From now on. What was put off before still comes. */
  become(weather: Weather): void {
    const { now } = this.#events;
    if (!weather.isCalm) this.calmSince = Number.POSITIVE_INFINITY;
    else if (!this.#weather.isCalm)
      this.calmSince = now + (this.#weather.disorder === undefined ? 0 : MOST_DISORDER_US);
    this.#weather = weather;
    if (weather.replayEveryUs !== undefined) this.#replay(weather, weather.replayEveryUs);
  }

  /** @param to where it goes; it arrives if `other` is there when it leaves */
  send(from: Side, other: Side, bytes: Uint8Array, to: Int32Array): void {
    const { counts } = this;
    counts.sent++;
    if (sameAddress(to, 0, STRANGER, 0)) {
      (this.stranger[from.number] as { received: number }).received += bytes.length;
      return;
    }
    const datagram: Datagram = { bytes, from: from.address, sentAt: this.#events.now, hasArrived: false };
    this.#captured[other.number].add(datagram);
    const { loss = 0, duplicates = 0 } = this.#weather;
    if (!sameAddress(to, 0, other.address, 0) || this.#chance(loss)) {
      counts.lost++;
      return;
    }
    this.#carry(other.number, datagram);
    if (!this.#chance(duplicates)) return;
    counts.duplicated++;
    this.#carry(other.number, datagram);
  }

  #chance(share: number): boolean {
    return share > 0 && this.#random.next() < share;
  }

  #carry(to: 0 | 1, datagram: Datagram): void {
    const { disorder = 0, changed = 0 } = this.#weather;
    let us = NEAREST_US + this.#random.next() * (FARTHEST_US - NEAREST_US);
    if (this.#chance(disorder)) {
      this.counts.late++;
      us = FARTHEST_US + this.#random.next() * (MOST_DISORDER_US - FARTHEST_US);
    }
    const bytes = this.#chance(changed) ? this.#change(datagram.bytes) : datagram.bytes;
    this.#events.plan(this.#events.now + us, () => {
      const isFresh = bytes === datagram.bytes && !datagram.hasArrived;
      if (isFresh) datagram.hasArrived = true;
      this.#arrives(to, { bytes, from: datagram.from, isFresh });
    });
  }

  /** Flips a bit; not of mac2, which nobody looks at who is not under load. */
  #change(bytes: Uint8Array): Uint8Array {
    this.counts.changed++;
    const length = bytes.length - (bytes[0] === MessageType.transport ? 0 : MAC2_BYTES);
    const bit = this.#random.below(8 * length);
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    return changed;
  }

  #replay(weather: Weather, everyUs: number): void {
    if (this.#weather !== weather) return;
    this.#events.plan(this.#events.now + 2 * this.#random.next() * everyUs, () => this.#replay(weather, everyUs));
    const to = this.#random.below(2) as 0 | 1;
    const datagram = this.#captured[to].draw(this.#events.now, this.#random);
    if (datagram === undefined) return;
    this.counts.replayed++;
    const isStranger = this.#chance(0.5);
    const { bytes } = datagram;
    if (isStranger) (this.stranger[to] as { sent: number }).sent += bytes.length;
    this.#arrives(to, { bytes, from: isStranger ? STRANGER : datagram.from, isFresh: false });
  }
}
