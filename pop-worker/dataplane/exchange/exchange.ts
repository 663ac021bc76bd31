import { allocateBells, ring, Sleeper } from './bell.ts';
import { allocateRing, META_WORDS, RingReader, RingWriter } from './ring.ts';

/** What one data-plane thread hands to another. */
export const Kind = { datagram: 1, outside: 2, inner: 3, nat: 4, filters: 5 } as const;
export type Kind = keyof typeof Kind;

/** Memory that all threads of a worker share. */
export interface ExchangeMemory {
  /** `rings[from][to]`; undefined on the diagonal. */
  readonly rings: readonly (readonly (SharedArrayBuffer | undefined)[])[];
  readonly bells: SharedArrayBuffer;
}

/** Rings of 1 MiB stay in the cache; many threads share 64 MiB. */
const RING_BYTES = 1 << 20;
const ALL_BYTES = 1 << 26;
const MIN_RING_BYTES = 1 << 19;

export const allocateExchange = (threads: number): ExchangeMemory => {
  const bytes = threads * threads * RING_BYTES <= ALL_BYTES ? RING_BYTES : MIN_RING_BYTES;
  const each = <T>(make: (index: number) => T): T[] => Array.from({ length: threads }, (_, index) => make(index));
  return {
    rings: each((from) => each((to) => (from === to ? undefined : allocateRing(bytes)))),
    bells: allocateBells(threads),
  };
};

/** What is done with what others hand over; bytes are lent until the call returns. */
export interface ExchangeSink {
  /** @param meta as it was given to `send` */
  take(kind: Kind, meta: Int32Array, buffer: Uint8Array, start: number, end: number): void;
  /** Everything that waited was taken, or enough for one turn. */
  taken(): void;
}

const NAMES: readonly Kind[] = ['datagram', 'outside', 'inner', 'nat', 'filters'];
/** A large packet of the TUN, and room in front of it. */
export const MAX_RECORD_BYTES = 65_536;
/** Records taken from one thread in a turn. */
const TURN_RECORDS = 64;

/** One thread's part of the exchange: a ring to and from each other thread. Bursts are shown and rung for by `flush`. */
export class Exchange {
  /** Records that went to other threads, and those that found no room. */
  readonly sent: Record<Kind, number> = { datagram: 0, outside: 0, inner: 0, nat: 0, filters: 0 };
  readonly dropped: Record<Kind, number> = { datagram: 0, outside: 0, inner: 0, nat: 0, filters: 0 };
  /** How often another thread had to be woken. */
  bells = 0;
  readonly #writers: readonly (RingWriter | undefined)[];
  readonly #readers: readonly RingReader[];
  readonly #bells: Int32Array;
  readonly #pending: boolean[];
  readonly #headroom: number;
  readonly #buffer: Uint8Array;
  readonly #meta = new Int32Array(META_WORDS);
  #sleeper: Sleeper | undefined;
  readonly #thread: number;

  /** @param headroom bytes left free in front of what is handed over */
  constructor({ rings, bells }: ExchangeMemory, thread: number, headroom: number) {
    this.#thread = thread;
    this.#writers = (rings[thread] ?? []).map((shared) => shared && new RingWriter(shared));
    this.#readers = rings.flatMap((from) => {
      const shared = from[thread];
      return shared === undefined ? [] : [new RingReader(shared)];
    });
    this.#bells = new Int32Array(bells);
    this.#pending = this.#writers.map(() => false);
    this.#headroom = headroom;
    this.#buffer = new Uint8Array(headroom + MAX_RECORD_BYTES);
  }

  /** Words for the next `send`; whatever they were before. */
  get meta(): Int32Array {
    return this.#meta;
  }

  /** Hands a copy of [start, end) with `meta` to a thread. @returns false when its ring is full: dropped and counted */
  send(thread: number, kind: Kind, buffer: Uint8Array, start: number, end: number): boolean {
    const writer = this.#writers[thread];
    if (writer === undefined || !writer.push(Kind[kind], this.#meta, buffer, start, end)) {
      this.dropped[kind]++;
      return false;
    }
    this.sent[kind]++;
    this.#pending[thread] = true;
    return true;
  }

  /** Shows others what was sent, and wakes those that sleep. */
  flush(): void {
    const pending = this.#pending;
    for (let thread = 0; thread < pending.length; thread++) {
      if (!pending[thread]) continue;
      pending[thread] = false;
      this.#writers[thread]?.publish();
      if (ring(this.#bells, thread)) this.bells++;
    }
  }

  /** Hands everything to `sink` that others send from now on. */
  listen(sink: ExchangeSink): void {
    this.#sleeper = new Sleeper(this.#bells, this.#thread, () => this.#take(sink));
  }

  #take(sink: ExchangeSink): boolean {
    let [taken, more] = [0, false];
    for (const reader of this.#readers) {
      let records = 0;
      for (; records < TURN_RECORDS && reader.next(); records++) {
        const { length, kind } = reader;
        reader.copyTo(this.#buffer, this.#headroom);
        reader.release();
        const end = this.#headroom + length;
        sink.take(NAMES[kind - 1] as Kind, reader.meta, this.#buffer, this.#headroom, end);
      }
      taken += records;
      more ||= records === TURN_RECORDS;
    }
    if (taken > 0) sink.taken();
    return more;
  }

  close(): void {
    this.#sleeper?.close();
  }
}
