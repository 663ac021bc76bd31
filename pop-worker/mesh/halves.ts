import type { TimeUs } from '#protocol/contract.ts';
import { Joiner, joinerBytes } from '#protocol/handoff/joiner.ts';
import { JOIN_BYTES } from '#protocol/handoff/limits.ts';
import { HALF_HEADER_BYTES, halfNumber, isFirstHalf, writeHalfHeader } from '#protocol/mesh/wire/packet.ts';
import { copyBytes } from '#protocol/quic/copy.ts';

/** What a DATAGRAM is sent by. @returns false when it found no room */
type Send = (buffer: Uint8Array, start: number, end: number) => boolean;

/** Packets that do not fit a link whole: they go in two DATAGRAM frames, and are put together where the link ends. */
export class Halves {
  readonly counters = { cut: 0, joined: 0 };
  readonly #memory = new Uint8Array(joinerBytes(0));
  readonly #joiner = new Joiner(this.#memory, 0, 0);
  readonly #scratch = new Uint8Array(HALF_HEADER_BYTES + JOIN_BYTES);
  #number = 0;

  /** Halves whose other half did not come. */
  get lost(): number {
    return this.#joiner.given;
  }

  /** Whether a packet of so many bytes can go in two. @param most bytes of a DATAGRAM that the link carries */
  fits(bytes: number, most: number): boolean {
    return bytes <= Math.min(JOIN_BYTES, 2 * (most - HALF_HEADER_BYTES));
  }

  /** Sends a packet that `fits` in two. @returns false when one of them found no room */
  send(buffer: Uint8Array, start: number, end: number, send: Send): boolean {
    const cut = start + Math.ceil((end - start) / 2);
    this.#number = (this.#number + 1) >>> 0;
    if (!this.#sendHalf(true, buffer, start, cut, send) || !this.#sendHalf(false, buffer, cut, end, send)) return false;
    this.counters.cut++;
    return true;
  }

  #sendHalf(isFirst: boolean, buffer: Uint8Array, start: number, end: number, send: Send): boolean {
    const scratch = this.#scratch;
    writeHalfHeader(scratch, HALF_HEADER_BYTES, isFirst, this.#number);
    copyBytes(scratch, HALF_HEADER_BYTES, buffer, start, end);
    return send(scratch, 0, HALF_HEADER_BYTES + end - start);
  }

  /**
   * Takes a half that a member sent.
   *
   * @param take the packet, once it is whole; lent until it returns
   */
  receive(
    from: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    now: TimeUs,
    take: (buffer: Uint8Array, start: number, end: number) => void,
  ): void {
    const joiner = this.#joiner;
    const isFirst = isFirstHalf(buffer, start);
    // Where halves are packets of their own, the second one is numbered behind the first.
    const number = halfNumber(buffer, start) + (isFirst ? 0 : 1);
    joiner.nextBatch();
    if (!joiner.put(from, number, isFirst, buffer, start + HALF_HEADER_BYTES, end, 0, now)) return;
    this.counters.joined++;
    take(this.#memory, joiner.start, joiner.end);
  }
}
