import type { BpfMap } from '#host/bpf/map.ts';
import { ConnectionLine, ConnectionState } from '../gen/front.ts';

/** Of a connection's word, as bpf/include/connection.h has it: in its lower half, and in the upper one. */
const BACKEND = 0xffff;
const STATE = 3;

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
  readonly #words: BigUint64Array;
  readonly #halves: Uint32Array;

  constructor(map: BpfMap) {
    const places = (map.most * ConnectionLine.bytes) / 8;
    const memory = map.memory();
    this.#words = new BigUint64Array(memory, 0, places);
    this.#halves = new Uint32Array(memory, 0, 2 * places);
  }

  count(): ConnectionCount {
    const byBackend = new Map<number, number>();
    let [total, unconfirmed] = [0, 0];
    const halves = this.#halves;
    for (let at = 0; at < halves.length; at += 2) {
      const backend = (halves[at] as number) & BACKEND;
      if (backend === 0) continue;
      total++;
      if (((halves[at + 1] as number) & STATE) === ConnectionState.new) unconfirmed++;
      byBackend.set(backend, (byBackend.get(backend) ?? 0) + 1);
    }
    return { byBackend, total, unconfirmed, places: this.#words.length };
  }

  /** Frees the places of these backends: their numbers may be given to others then. */
  forget(backends: ReadonlySet<number>): void {
    const halves = this.#halves;
    for (let place = 0; place < this.#words.length; place++)
      if (backends.has((halves[2 * place] as number) & BACKEND)) Atomics.store(this.#words, place, 0n);
  }
}
