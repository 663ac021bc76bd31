import type { BpfMap } from '#host/bpf/map.ts';
import { Connection, ConnectionState } from '../gen/front.ts';

const WORDS = Connection.bytes / 8;
const STATE = Connection.places.state.at / 4;
const BACKEND = 0xffff;

export interface ConnectionCount {
  /** Of each backend, by its number. */
  readonly byBackend: ReadonlyMap<number, number>;
  /** All that are in the table. */
  readonly total: number;
  /** Of these: of which one packet was seen. */
  readonly unconfirmed: number;
  readonly places: number;
}

/** The table of connections, as the program writes it meanwhile. */
export class Connections {
  /** Of each: its flow with its backend, then its end and its state. */
  readonly #words: BigUint64Array;
  readonly #halves: Uint32Array;

  constructor(map: BpfMap) {
    const places = map.most * (map.valueBytes / Connection.bytes);
    const memory = map.memory();
    this.#words = new BigUint64Array(memory, 0, places * WORDS);
    this.#halves = new Uint32Array(memory, 0, places * WORDS * 2);
  }

  count(): ConnectionCount {
    const byBackend = new Map<number, number>();
    let [total, unconfirmed] = [0, 0];
    const halves = this.#halves;
    for (let at = 0; at < halves.length; at += WORDS * 2) {
      if (halves[at + STATE] === ConnectionState.free) continue;
      const backend = (halves[at] as number) & BACKEND;
      total++;
      if (halves[at + STATE] === ConnectionState.new) unconfirmed++;
      byBackend.set(backend, (byBackend.get(backend) ?? 0) + 1);
    }
    return { byBackend, total, unconfirmed, places: this.#words.length / WORDS };
  }

  /** Frees the places of these backends: their numbers may be given to others then. */
  forget(backends: ReadonlySet<number>): void {
    for (let word = 0; word < this.#words.length; word += WORDS) {
      if (!backends.has((this.#halves[word * 2] as number) & BACKEND)) continue;
      Atomics.store(this.#words, word, 0n);
      Atomics.store(this.#words, word + 1, 0n);
    }
  }

  forgetAll(): void {
    this.#words.fill(0n);
  }
}
