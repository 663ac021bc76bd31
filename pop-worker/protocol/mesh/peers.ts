import type { TimeUs } from '../contract.ts';
import { probeIntervalUs } from './options.ts';
import { Peer } from './peer.ts';
import { MOST_MEMBERS } from './wire/vector.ts';

/** The other members, and when the first of them is to be told something. */
export class Peers {
  readonly #own: number;
  readonly #peers = new Map<number, Peer>();
  /** When the first is to be told something; 0: that is to be found out. */
  earliest: TimeUs = 0;
  /** Between two probes to each of them, in microseconds. */
  intervalUs = probeIntervalUs(1);

  constructor(own: number) {
    this.#own = own;
  }

  get size(): number {
    return this.#peers.size;
  }

  get numbers(): IterableIterator<number> {
    return this.#peers.keys();
  }

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#peers.values();
  }

  get(member: number): Peer | undefined {
    return this.#peers.get(member);
  }

  has(member: number): boolean {
    return this.#peers.has(member);
  }

  /**
   * All members, ourselves included or not.
   *
   * @param gone is told who was one and is no more
   * @returns those that are not ourselves
   * @throws RangeError for what cannot be a mesh
   */
  set(members: Iterable<number>, gone: (member: number) => void): ReadonlySet<number> {
    const wanted = new Set(members);
    wanted.delete(this.#own);
    if (wanted.size >= MOST_MEMBERS) throw new RangeError(`a mesh has ${MOST_MEMBERS} members at most`);
    for (const member of wanted) {
      if (!Number.isInteger(member) || member < 1 || member > 0xffff)
        throw new RangeError(`${member} is no member's number`);
    }
    for (const member of this.#peers.keys()) {
      if (wanted.has(member)) continue;
      this.#peers.delete(member);
      gone(member);
    }
    for (const member of wanted) if (!this.#peers.has(member)) this.#peers.set(member, new Peer(member));
    this.intervalUs = probeIntervalUs(wanted.size + 1);
    return wanted;
  }

  /** Each is to be told something now. @param mark says of one what that is, where it has a time of its own */
  rouse(now: TimeUs, mark?: (peer: Peer) => void): void {
    for (const peer of this.#peers.values()) {
      mark?.(peer);
      peer.nextAt = now;
    }
    this.earliest = 0;
  }
}
