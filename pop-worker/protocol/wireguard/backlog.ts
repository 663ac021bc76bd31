import { DESCRIPTOR_WORDS } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { SOURCE_PLACES } from './cookies/source-limit.ts';
import type { TimeBudget } from './options.ts';
import type { OwnKey } from './own-keys.ts';
import { TurnBudget } from './turn-budget.ts';

/** Handshake messages that are handled in one turn: about a millisecond. Data gets its turn between. */
export const HANDSHAKES_A_TURN = 8;
/** Those that wait; more are dropped. */
export const MOST_WAITING = 2048;
/** More than that are a load: who begins one must show a cookie. */
export const MANY_WAITING = MOST_WAITING / 8;
/** And then only one of each source may wait; until then an office behind one address comes back with its first attempt. */
export const CROWD_WAITING = MOST_WAITING / 2;

/** A handshake message that was admitted, with the descriptor that it came with. */
export interface Waiting {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** That its sender knows. */
  readonly own: OwnKey;
  /** Where its source is counted (`SourceLimit.placeOf`). */
  readonly place: number;
  /** Another worker has it from its sender. */
  readonly isHanded: boolean;
}

/** Handshakes cost a hundred times what a packet does: beyond a few in a turn, and beyond their time, they wait for later ones. */
export class Backlog {
  readonly #time: TurnBudget;
  /** A ring: in a flood it is never empty. */
  readonly #waiting: (Waiting | undefined)[] = new Array(MOST_WAITING);
  #first = 0;
  #size = 0;
  #left = HANDSHAKES_A_TURN;
  /** How many wait of the sources that are counted at each place. */
  readonly #bySource = new Uint16Array(SOURCE_PLACES);
  /** When those that wait may go on. */
  readyAt: TimeUs = Number.POSITIVE_INFINITY;

  /** @param time of handshakes; absent: a turn has as many as it may */
  constructor(time?: TimeBudget) {
    this.#time = new TurnBudget(time);
  }

  get size(): number {
    return this.#size;
  }

  /** A turn begins. */
  begin(): void {
    this.#left = HANDSHAKES_A_TURN;
    this.#time.begin();
  }

  /** What follows until `spend` is a handshake. */
  start(): void {
    this.#time.start();
  }

  spend(): void {
    this.#time.spend();
  }

  /** Whether one more may be handled in this turn, which counts it. Those that wait come first. */
  takeTurn(): boolean {
    if (this.#left === 0 || !this.#time.isLeft) return false;
    this.#left--;
    return true;
  }

  /** A turn is over. */
  end(now: TimeUs): void {
    if (this.size === 0) this.readyAt = Number.POSITIVE_INFINITY;
    else this.readyAt = this.#time.isLeft ? Number.NEGATIVE_INFINITY : now + this.#time.untilLeftUs;
  }

  /**
   * Keeps a copy. @param place of its source @returns false: there is no room, or many wait, and one of this source does. So whoever
   * has few addresses leaves room for others.
   */
  add(
    own: OwnKey,
    bytes: Uint8Array,
    at: number,
    length: number,
    words: Int32Array,
    from: number,
    place: number,
    isHanded = false,
  ): boolean {
    const ofSource = this.#bySource[place] as number;
    if (this.size === MOST_WAITING || (this.size >= CROWD_WAITING && ofSource > 0)) return false;
    this.#bySource[place] = ofSource + 1;
    const descriptor = words.slice(from, from + DESCRIPTOR_WORDS);
    const end = (this.#first + this.#size++) % MOST_WAITING;
    this.#waiting[end] = { own, bytes: bytes.slice(at, at + length), words: descriptor, place, isHanded };
    return true;
  }

  next(): Waiting | undefined {
    const message = this.#waiting[this.#first];
    if (message === undefined) return undefined;
    this.#bySource[message.place] = (this.#bySource[message.place] as number) - 1;
    this.#waiting[this.#first] = undefined;
    this.#first = (this.#first + 1) % MOST_WAITING;
    this.#size--;
    return message;
  }
}
