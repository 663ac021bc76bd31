import type { Peer } from './peer.ts';

/** Of what one member wants relayed, bytes that may wait for room. What is dropped, comparing brings (DIGEST). */
const MOST_PASSING_BYTES = 1 << 18;

interface Waiting {
  readonly from: Peer;
  readonly to: number;
  readonly frame: Uint8Array;
}

/** Where frames go on to. */
export interface PassingOut {
  /** Undefined: to nobody any more; whether the stream to a member takes more now. */
  room(member: number): boolean | undefined;
  stream(member: number, frame: Uint8Array): void;
}

/** Frames that go through us from one member to another: they wait for room, in their order, and not without bounds. */
export class Passing {
  #waiting: Waiting[] = [];

  /** @returns false: it is dropped, for too much of that member waits already */
  add(from: Peer, to: number, frame: Uint8Array): boolean {
    if (from.passingBytes + frame.length > MOST_PASSING_BYTES) return false;
    from.passingBytes += frame.length;
    this.#waiting.push({ from, to, frame });
    return true;
  }

  /** Hands on what there is room for. @returns how many went on, and how many there was nobody for any more */
  pass(out: PassingOut): { readonly passed: number; readonly dropped: number } {
    let [passed, dropped] = [0, 0];
    const waiting: Waiting[] = [];
    const full = new Set<number>();
    for (const one of this.#waiting) {
      const { from, to, frame } = one;
      const room = full.has(to) ? false : out.room(to);
      if (room === false) {
        // What is behind one that waits waits too.
        full.add(to);
        waiting.push(one);
        continue;
      }
      from.passingBytes -= frame.length;
      if (room === undefined) dropped++;
      else {
        out.stream(to, frame);
        passed++;
      }
    }
    this.#waiting = waiting;
    return { passed, dropped };
  }
}
