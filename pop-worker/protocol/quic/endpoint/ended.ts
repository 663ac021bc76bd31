import { sameAddress } from '../../address.ts';
import type { TimeUs } from '../../contract.ts';
import type { Farewell } from '../close.ts';
import { CidTable } from './cid-table.ts';
import { DeadlineHeap, type HeapEntry } from './deadline-heap.ts';
import type { Replies } from './replies.ts';
import type { Addresses } from './stateless.ts';

/** Ends of connections are put off to the next multiple of this: one timer for all that end in the same time. */
const GRAIN_US = 100_000;
/** RFC 9000 §8.1 */
const MAX_AMPLIFICATION = 3;

/** RFC 9000 §10.2: three times the PTO at least. @param deadline when a connection that is over may be forgotten */
export const endsWithOthers = (deadline: TimeUs): TimeUs => GRAIN_US * Math.ceil(deadline / GRAIN_US);

interface Remains extends HeapEntry {
  readonly cids: readonly Uint8Array[];
  readonly farewell: Farewell | undefined;
  readonly confirmed: boolean;
  /** Datagrams that arrived since then, and how many must have before the next answer. */
  arrived: number;
  answerAt: number;
}

/**
 * Connections that are over. What still comes to their IDs is dropped, instead of being a stranger's; where we ended them,
 * our CONNECTION_CLOSE answers it as it was sent, more and more rarely (RFC 9000 §10.2.1), and nothing does where the peer
 * did (§10.2.2). So neither keys nor state are needed.
 */
export class Ended {
  readonly #byCid: CidTable<Remains>;
  readonly #heap = new DeadlineHeap<Remains>();
  readonly #replies: Replies;
  #handshakes = 0;

  /** @param seed unpredictable 32 bits */
  constructor(seed: number, replies: Replies) {
    this.#byCid = new CidTable(seed);
    this.#replies = replies;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** Those of them whose handshake was never confirmed: a flood of connections that fail at once is one of handshakes too. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /** When `expire` has something to do, NEVER when there is none. */
  get deadline(): TimeUs {
    return this.#heap.first;
  }

  /** @param farewell undefined: the peer ended it, or is to hear no more */
  add(cids: readonly Uint8Array[], until: TimeUs, farewell: Farewell | undefined, confirmed: boolean): void {
    const unqueued = { heapIndex: -1, heapKey: Number.POSITIVE_INFINITY };
    const remains: Remains = { cids, farewell, confirmed, arrived: 0, answerAt: 1, ...unqueued };
    if (!confirmed) this.#handshakes++;
    for (const cid of cids) this.#byCid.set(cid, remains);
    this.#heap.set(remains, endsWithOthers(until));
  }

  /**
   * Datagrams of one run arrived for this connection ID.
   *
   * @param bytes of all of them
   * @returns false: no connection that is over had it
   */
  receive(
    buffer: Uint8Array,
    cidAt: number,
    cidBytes: number,
    datagrams: number,
    bytes: number,
    from: Addresses,
    now: TimeUs,
  ): boolean {
    const remains = this.#heap.size === 0 ? undefined : this.#byCid.get(buffer, cidAt, cidBytes);
    if (remains === undefined) return false;
    const { farewell } = remains;
    if (farewell !== undefined) this.#answer(remains, farewell, datagrams, bytes, from, now);
    return true;
  }

  /** The 1st, 2nd, 4th, 8th … datagram, of those that the peer sent after it could have heard. */
  #answer(remains: Remains, farewell: Farewell, datagrams: number, bytes: number, from: Addresses, now: TimeUs): void {
    const { remote, local, answersFrom } = farewell;
    if (now < answersFrom || !sameAddress(remote, 0, from.words, from.remoteAt)) return;
    remains.arrived += datagrams;
    if (remains.arrived < remains.answerAt || farewell.bytes.length > MAX_AMPLIFICATION * bytes) return;
    while (remains.answerAt <= remains.arrived) remains.answerAt *= 2;
    const place = this.#replies.begin(farewell.bytes.length, now);
    if (place === undefined) return;
    place.buffer.set(farewell.bytes, place.at);
    this.#replies.commit(place.at + farewell.bytes.length, remote, 0, local, 0);
  }

  expire(now: TimeUs): void {
    for (let first = this.#heap.peek; first !== undefined && first.heapKey <= now; first = this.#heap.peek) {
      this.#heap.set(first, Number.POSITIVE_INFINITY);
      if (!first.confirmed) this.#handshakes--;
      for (const cid of first.cids) this.#byCid.delete(cid);
    }
  }
}
