import { Burst, D_LOCAL, D_REMOTE } from '#protocol/burst.ts';
import { hash3 } from '#protocol/nat/slot-index.ts';
import { isLongHeader } from '#protocol/quic/wire/packet/header.ts';
import { MAX_CID_BYTES } from '#protocol/quic/wire/packet/version.ts';

/** Connections that are remembered; a later one may take the place of another. */
const SLOTS = 8192;
/** So old a packet may be that is answered. */
const REMEMBERED_US = 2_000_000;
/** A reset has to be shorter than what it answers (RFC 9000 §10.3.3), and is small. */
const MOST_BYTES = 64;
/** Both addresses. */
const WORDS = 2 * (D_LOCAL - D_REMOTE);
const NOBODY = -1;

/**
 * The latest packet of each connection that was handed to its worker: should that be dead already, whoever sent it is told as soon
 * as that is known, for a device that only receives may send no other one for long.
 */
export class Doubtful {
  readonly #workers = new Int32Array(SLOTS).fill(NOBODY);
  readonly #atUs = new Float64Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS);
  readonly #cids = new Uint8Array(SLOTS * MAX_CID_BYTES);
  readonly #addresses = new Int32Array(SLOTS * WORDS);

  /** A datagram in [start, end) is handed to a worker. @param base of its descriptor in `words` */
  note(
    worker: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    cidBytes: number,
    words: Int32Array,
    base: number,
    nowUs: number,
  ): void {
    if (isLongHeader(buffer, start)) return;
    let hash = worker;
    for (let i = 1; i <= cidBytes; i++) hash = Math.imul(hash ^ (buffer[start + i] as number), 0x01000193);
    const slot = hash3(hash, cidBytes, 0) & (SLOTS - 1);
    this.#workers[slot] = worker;
    this.#atUs[slot] = nowUs;
    this.#bytes[slot] = Math.min(end - start, MOST_BYTES);
    for (let i = 0; i < cidBytes; i++) this.#cids[slot * MAX_CID_BYTES + i] = buffer[start + 1 + i] as number;
    for (let i = 0; i < WORDS; i++) this.#addresses[slot * WORDS + i] = words[base + D_REMOTE + i] as number;
  }

  /** What was handed to this worker just now, as far as it matters for an answer; then it is forgotten. @param headroom bytes left free in front */
  take(worker: number, cidBytes: number, headroom: number, nowUs: number): Burst {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#workers[slot] !== worker) continue;
      this.#workers[slot] = NOBODY;
      if (nowUs - (this.#atUs[slot] as number) < REMEMBERED_US) slots.push(slot);
    }
    const burst = new Burst(slots.length * (headroom + MOST_BYTES), slots.length);
    for (const slot of slots) {
      burst.used += headroom;
      const { buffer, used } = burst;
      buffer[used] = 0x40;
      const cidAt = slot * MAX_CID_BYTES;
      buffer.set(this.#cids.subarray(cidAt, cidAt + cidBytes), used + 1);
      const at = slot * WORDS;
      const bytes = this.#bytes[slot] as number;
      burst.commit(bytes, 0, this.#addresses, at, this.#addresses, at + D_LOCAL - D_REMOTE);
    }
    return burst;
  }
}
