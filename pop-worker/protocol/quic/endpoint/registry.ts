import type { Burst } from '../../burst.ts';
import type { Random, TimeUs } from '../../contract.ts';
import type { Connection } from '../connection.ts';
import { AddressIndex } from './address-index.ts';
import { CidTable } from './cid-table.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { Ended, endsWithOthers } from './ended.ts';
import type { Replies } from './replies.ts';

/** The connections of an endpoint: by ID, by address, by deadline, and those that have something to send. */
export class Registry {
  readonly byCid: CidTable<Connection>;
  readonly ended: Ended;
  /** By the addresses of clients: one with more than a few connections is an attack. */
  readonly #accepted = new AddressIndex<Connection>(64);
  /** By those of servers that we called: one socket may have thousands of connections to one. */
  readonly #called = new AddressIndex<Connection>(4096);
  readonly #heap = new DeadlineHeap<Connection>();
  /** Every connection with the IDs that lead to it. */
  readonly #cids = new Map<Connection, Uint8Array[]>();
  readonly #handshaking = new Set<Connection>();
  onWake: (() => void) | undefined;
  onForgotten: ((connection: Connection) => void) | undefined;
  #waiting: Connection[] = [];
  #head = 0;

  /** A program ended what it sends on a stream: somebody may wait for just that. */
  answered = false;

  /** @param replies what connections that are over still say */
  constructor(random: Random, replies: Replies) {
    const bytes = new Uint8Array(4);
    random.fill(bytes);
    const seed = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    this.byCid = new CidTable(seed);
    this.ended = new Ended(seed, replies);
  }

  /** Those that are over among them. */
  get size(): number {
    return this.#cids.size + this.ended.size;
  }

  /** Those that failed and are not forgotten yet among them. */
  get handshakes(): number {
    return this.#handshaking.size + this.ended.handshakes;
  }

  add(connection: Connection, cids: readonly Uint8Array[]): void {
    this.#cids.set(connection, []);
    this.#handshaking.add(connection);
    for (const cid of cids) this.addCid(connection, cid);
    this.noteAddress(connection);
    this.wake(connection);
  }

  addCid(connection: Connection, cid: Uint8Array): void {
    if (cid.length === 0) return;
    this.#cids.get(connection)?.push(cid);
    this.byCid.set(cid, connection);
  }

  removeCid(connection: Connection, cid: Uint8Array): void {
    const cids = this.#cids.get(connection);
    const at =
      cids?.findIndex((other) => other.length === cid.length && other.every((byte, i) => byte === cid[i])) ?? -1;
    if (at < 0) return;
    cids?.splice(at, 1);
    this.byCid.delete(cid);
  }

  noteAddress(connection: Connection): void {
    this.#indexOf(connection).set(connection, connection.parts.paths.active.remote);
  }

  noteConfirmed(connection: Connection): void {
    this.#handshaking.delete(connection);
  }

  remove(connection: Connection): void {
    for (const cid of this.#cids.get(connection) ?? []) this.byCid.delete(cid);
    this.#cids.delete(connection);
    this.#handshaking.delete(connection);
    this.#indexOf(connection).delete(connection);
    this.#heap.set(connection, Number.POSITIVE_INFINITY);
    connection.parts.keys.close();
    connection.parts.observer?.forgotten();
    this.onForgotten?.(connection);
  }

  forEach(each: (connection: Connection) => void): void {
    for (const connection of this.#cids.keys()) each(connection);
  }

  /** The connection whose peer says by this datagram that it knows nothing of it any more (RFC 9000 §10.3.1). */
  findReset(
    words: Int32Array,
    remoteAt: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): Connection | undefined {
    const remoteOf = (connection: Connection): Int32Array => connection.parts.paths.active.remote;
    const isReset = (connection: Connection): boolean => connection.isReset(buffer, start, end);
    return (
      this.#called.find(words, remoteAt, remoteOf, isReset) ?? this.#accepted.find(words, remoteAt, remoteOf, isReset)
    );
  }

  #indexOf({ parts }: Connection): AddressIndex<Connection> {
    return parts.isServer ? this.#accepted : this.#called;
  }

  wake(connection: Connection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.#waiting.push(connection);
    this.onWake?.();
  }

  expire(now: TimeUs): void {
    this.ended.expire(now);
    for (let first = this.#heap.peek; first !== undefined && first.heapKey <= now; first = this.#heap.peek) {
      first.onTimeout(now);
      this.#heap.set(first, Number.POSITIVE_INFINITY);
      this.wake(first);
    }
  }

  /** Each that waits gets its turn, until the burst is full. */
  poll(now: TimeUs, out: Burst): void {
    for (let turns = this.#waiting.length - this.#head; turns > 0; turns--) {
      const connection = this.#waiting[this.#head++] as Connection;
      connection.queued = false;
      if (!this.#cids.has(connection)) continue;
      if (connection.poll(now, out)) this.wake(connection);
      if (connection.isGone) this.remove(connection);
      else if (connection.isOver) this.#end(connection, now);
      else this.#wait(connection);
      if (this.#head > 1024 && 2 * this.#head > this.#waiting.length) this.#compact();
    }
    if (this.#head < this.#waiting.length) return;
    while (this.#waiting.length > 0) this.#waiting.pop();
    this.#head = 0;
  }

  #wait(connection: Connection): void {
    const deadline = connection.deadline();
    this.#heap.set(connection, connection.parts.closer.isOpen ? deadline : endsWithOthers(deadline));
  }

  #end(connection: Connection, now: TimeUs): void {
    const until = connection.deadline();
    const confirmed = !this.#handshaking.has(connection);
    this.ended.add(this.#cids.get(connection) ?? [], until, connection.discard(now), confirmed);
    this.remove(connection);
  }

  #compact(): void {
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }

  deadline(now: TimeUs): TimeUs {
    return this.#waiting.length > this.#head ? now : Math.min(this.#heap.first, this.ended.deadline);
  }
}
