import { hash3 } from './slot-index.ts';

/** Datagrams whose later fragments are waited for; a new one takes the place of what was there before. */
const SLOTS = 512;
/** So long fragments of one datagram are apart at most. */
const SECONDS = 5;

/**
 * Where later fragments of datagrams from outside go, which have no ports: to whom the first one went. A fragment that comes
 * before the first one goes nowhere. Each datagram has one slot, however many there are: a flood of them costs others of theirs.
 */
export class Fragments {
  readonly #source = new Uint32Array(SLOTS);
  readonly #destination = new Uint32Array(SLOTS);
  readonly #id = new Uint32Array(SLOTS);
  readonly #target = new Int32Array(SLOTS);
  readonly #inner = new Uint32Array(SLOTS);
  readonly #until = new Uint32Array(SLOTS);
  /** What `find` found: the inner address, as a number; 0 where another worker knows it. */
  inner = 0;

  /** The first fragment of a datagram went to a target. @param id identification and protocol in one number */
  note(source: number, destination: number, id: number, target: number, inner: number, now: number): void {
    const at = hash3(source, destination, id) & (SLOTS - 1);
    this.#source[at] = source;
    this.#destination[at] = destination;
    this.#id[at] = id;
    this.#target[at] = target;
    this.#inner[at] = inner;
    this.#until[at] = now + SECONDS;
  }

  /** @returns the target of a later fragment, or -1 */
  find(source: number, destination: number, id: number, now: number): number {
    const at = hash3(source, destination, id) & (SLOTS - 1);
    const isSame = this.#source[at] === source && this.#destination[at] === destination && this.#id[at] === id;
    if (!isSame || (this.#until[at] as number) < now) return -1;
    this.inner = this.#inner[at] as number;
    return this.#target[at] as number;
  }
}
