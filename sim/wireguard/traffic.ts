import type { SeededRandom } from '#protocol/quic/testing/random.ts';
import type { Events } from '../events.ts';
import { KEEPALIVE_S } from './bounds.ts';
import { makePacket } from './packets.ts';
import type { Pattern } from './patterns.ts';
import type { Side } from './side.ts';
import type { Watch } from './watch.ts';
import { lasting } from './weather.ts';

/** What the sides have to say: one pattern after the other. */
export class Traffic {
  readonly #events: Events;
  readonly #random: SeededRandom;
  readonly #sides: readonly [Side, Side];
  readonly #watch: Watch;
  /** Counts patterns: what one has planned ends with it. */
  #turn = 0;

  constructor(events: Events, random: SeededRandom, sides: readonly [Side, Side], watch: Watch) {
    this.#events = events;
    this.#random = random;
    this.#sides = sides;
    this.#watch = watch;
  }

  become({ speakers, paceS, speaksS, pausesS, isKeptAlive = false }: Pattern): void {
    const turn = ++this.#turn;
    const chosen = this.#sides[this.#random.below(2)] as Side;
    for (const side of this.#sides) this.#keepAlive(side, isKeptAlive && side === chosen);
    if (speakers === 'none' || paceS === undefined) return;
    for (const side of this.#sides) {
      if (speakers === 'either' && side !== chosen) continue;
      const begin = (): void => {
        if (this.#turn !== turn) return;
        const us = speaksS === undefined ? Number.POSITIVE_INFINITY : lasting(speaksS, this.#random);
        this.#speak(side, this.#events.now + us, paceS, () => this.#turn === turn || speaksS !== undefined);
        if (pausesS !== undefined) this.#events.plan(this.#events.now + us + lasting(pausesS, this.#random), begin);
      };
      this.#events.plan(this.#events.now + this.#random.next() * 1e6, begin);
    }
  }

  /** A few packets, as of a device whose network has changed. */
  say(side: Side): void {
    this.#speak(side, this.#events.now + 8e6, [0.3, 0.6], () => true);
  }

  #speak(side: Side, until: number, paceS: readonly [number, number], goesOn: () => boolean): void {
    if (this.#events.now >= until || !goesOn()) return;
    side.offers(makePacket(side.number, this.#watch.offered(side.number)));
    this.#events.plan(this.#events.now + lasting(paceS, this.#random), () => this.#speak(side, until, paceS, goesOn));
  }

  #keepAlive(side: Side, isOn: boolean): void {
    const { watch, now } = { watch: this.#watch, now: this.#events.now };
    if (Number.isFinite(watch.keptAliveSince[side.number]) === isOn) return;
    watch.keptAliveSince[side.number] = isOn ? now : Number.POSITIVE_INFINITY;
    watch.stirred();
    side.core.setPersistentKeepalive(side.peer, isOn ? KEEPALIVE_S : 0);
    side.poll();
  }
}
