import type { RoutableCids } from '../exchange/cids.ts';
import type { OtherThreads } from '../exchange/other-threads.ts';
import type { Handoff } from './handoff.ts';

/** Datagrams of connections that a thread does not have: told by their connection IDs whose they are, and led there. */
export class Strays {
  readonly #cids: RoutableCids;
  readonly #own: number;
  readonly #others: OtherThreads | undefined;
  readonly #handoff: Handoff | undefined;
  readonly #resetKey: Uint8Array | undefined;

  /** @param own index of this thread @param resetKey of this worker */
  constructor(
    cids: RoutableCids,
    own: number,
    others: OtherThreads | undefined,
    handoff: Handoff | undefined,
    resetKey: Uint8Array | undefined,
  ) {
    this.#cids = cids;
    this.#own = own;
    this.#others = others;
    this.#handoff = handoff;
    this.#resetKey = resetKey;
  }

  /** As `EndpointOptions.stray`. */
  take(
    buffer: Uint8Array,
    start: number,
    end: number,
    cidAt: number,
    cidBytes: number,
    words: Int32Array,
    base: number,
  ): boolean {
    const cids = this.#cids;
    if (!cids.read(buffer, cidAt, cidBytes)) return false;
    const { thread, isOwn, workerNumber } = cids;
    if (isOwn) {
      if (thread === this.#own || this.#others === undefined) return false;
      return this.#others.datagram(thread, buffer, start, end, words, base);
    }
    if (workerNumber < 0 || this.#handoff === undefined) return false;
    return this.#handoff.stray(workerNumber, thread, buffer, start, end, cidBytes, words, base);
  }

  /** As `EndpointOptions.resetKeyOf`: whoever lost a connection says so; for another worker only who knows that it is dead. */
  resetKeyOf(cid: Uint8Array): Uint8Array | undefined {
    const cids = this.#cids;
    if (this.#handoff === undefined || !cids.read(cid, 0, cid.length) || cids.isOwn) return this.#resetKey;
    const { workerNumber } = cids;
    return workerNumber < 0 ? this.#resetKey : this.#handoff.resetKeyOf(workerNumber);
  }
}
