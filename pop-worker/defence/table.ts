import type { AddressKey } from './address-key.ts';
import { Top } from './top.ts';
import type { Change, Track } from './track.ts';

/** Who may become a track, of those that came in one window. */
const CANDIDATES = 128;
/** Samples in one window from which on it is worth one. */
const LEAST_SAMPLES = 3;
/** A track makes room for who has this many times as much. */
const MUCH_MORE = 2;

/** Those that are watched: so many at most, the ones that get most. Others wait until a window shows that they get more. */
export class Table<T extends Track> {
  readonly #most: number;
  readonly #make: (address: Uint8Array) => T;
  readonly #tracks = new Map<AddressKey, T>();
  readonly #candidates = new Top(CANDIDATES);
  /** Tracks that made room. */
  evicted = 0;

  constructor(most: number, make: (address: Uint8Array) => T) {
    this.#most = most;
    this.#make = make;
  }

  get size(): number {
    return this.#tracks.size;
  }

  tracks(): IterableIterator<T> {
    return this.#tracks.values();
  }

  /** @returns its track; undefined: it is a candidate now */
  find(key: AddressKey, address: Uint8Array, packets: number): T | undefined {
    const track = this.#tracks.get(key);
    if (track === undefined) this.#candidates.add(key, address, packets);
    return track;
  }

  /** Ends a window. */
  turn(startUs: number, nowUs: number, tell: (track: T, ...change: Parameters<Change>) => void): void {
    for (const track of this.#tracks.values())
      track.turn(startUs, nowUs, (watch, change) => tell(track, watch, change));
    if (this.#candidates.size === 0) return;
    const seconds = (nowUs - startUs) / 1e6;
    for (const [key, { address, weight, error, times }] of this.#candidates.entries())
      if (times >= LEAST_SAMPLES && this.#hasRoomFor((weight - error) / seconds))
        this.#tracks.set(key, this.#make(address));
    this.#candidates.clear();
  }

  #hasRoomFor(rate: number): boolean {
    if (this.#tracks.size < this.#most) return true;
    let least: AddressKey | undefined;
    let standing = rate / MUCH_MORE;
    for (const [key, track] of this.#tracks) {
      if (track.isAlert || track.standing >= standing) continue;
      least = key;
      standing = track.standing;
    }
    if (least === undefined) return false;
    this.#tracks.delete(least);
    this.evicted++;
    return true;
  }
}
