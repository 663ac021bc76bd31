import { NEVER, type TimeUs } from '../../contract.ts';

/** Of who is in no heap. */
export const NO_SLOT = -1;

/** Whoever has deadlines; of one `Deadlines` at a time. */
export interface Scheduled {
  /** Where in the heap it is, which nobody else writes; `NO_SLOT` to begin with. */
  deadlineSlot: number;
}

/**
 * When each of many peers has something to do: a heap of those that have, so that idle ones cost nothing. Each knows its
 * own slot, for peers' numbers are spread over 24 bits and an array by them would be as large as the largest. A deadline
 * that moves away is left where it is until it comes up, for timers are put off with every packet.
 */
export class Deadlines<Peer extends Scheduled> {
  readonly #heap: Peer[] = [];
  /** By slot. */
  readonly #at: TimeUs[] = [];

  /** Peers with a deadline. */
  get size(): number {
    return this.#heap.length;
  }

  /** At or before the first. */
  get first(): TimeUs {
    return this.#heap.length === 0 ? NEVER : (this.#at[0] as TimeUs);
  }

  /** This peer is to be looked at no later than then. */
  set(peer: Peer, at: TimeUs): void {
    if (at === NEVER) return;
    const slot = peer.deadlineSlot;
    if (slot === NO_SLOT) {
      this.#heap.push(peer);
      this.#at.push(at);
      this.#rise(this.#heap.length - 1, peer, at);
    } else if (at < (this.#at[slot] as TimeUs)) this.#rise(slot, peer, at);
  }

  /** @returns a peer whose time has come, now without a deadline, or undefined */
  take(now: TimeUs): Peer | undefined {
    if (this.first > now) return undefined;
    const peer = this.#heap[0] as Peer;
    this.delete(peer);
    return peer;
  }

  /** This peer has no deadline any more. */
  delete(peer: Peer): void {
    const slot = peer.deadlineSlot;
    if (slot === NO_SLOT) return;
    peer.deadlineSlot = NO_SLOT;
    const last = this.#heap.pop() as Peer;
    const at = this.#at.pop() as TimeUs;
    if (last === peer) return;
    this.#sink(slot, last, at);
    this.#rise(last.deadlineSlot, last, at);
  }

  #put(slot: number, peer: Peer, at: TimeUs): void {
    this.#heap[slot] = peer;
    this.#at[slot] = at;
    peer.deadlineSlot = slot;
  }

  /** Puts it into this slot, or into one above; whoever was there goes down. */
  #rise(from: number, peer: Peer, at: TimeUs): void {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const held = this.#at[parent] as TimeUs;
      if (held <= at) break;
      this.#put(slot, this.#heap[parent] as Peer, held);
      slot = parent;
    }
    this.#put(slot, peer, at);
  }

  /** Puts it into this slot, or into one below; whoever was there goes up. */
  #sink(from: number, peer: Peer, at: TimeUs): void {
    const times = this.#at;
    let slot = from;
    for (;;) {
      let least = 2 * slot + 1;
      if (least + 1 < times.length && (times[least + 1] as TimeUs) < (times[least] as TimeUs)) least++;
      if (least >= times.length || at <= (times[least] as TimeUs)) break;
      this.#put(slot, this.#heap[least] as Peer, times[least] as TimeUs);
      slot = least;
    }
    this.#put(slot, peer, at);
  }
}
