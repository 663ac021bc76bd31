import { Http3ErrorCode, remoteError } from './errors.ts';
import { VarintReader } from './varint.ts';

/** What becomes of a frame's payload. */
export const Disposition = {
  /** Handed on in pieces as it arrives: nothing is copied. */
  pass: 0,
  /** Handed on as a whole; copied only when it arrives in several pieces. */
  collect: 1,
  skip: 2,
} as const;
export type Disposition = (typeof Disposition)[keyof typeof Disposition];

/** Whoever handles frames decides by type and length, before a byte of the payload is kept. */
export interface FrameHandler {
  frameStart(type: number, length: number): Disposition;
  /** A piece of a payload that is passed on; lent. */
  framePiece(buffer: Uint8Array, start: number, end: number): void;
  /** The whole payload of a frame that was collected; lent. */
  frame(type: number, buffer: Uint8Array, start: number, end: number): void;
}

/**
 * Type, length, payload: the frames of RFC 9114 §7.1 and the capsules of RFC 9297 §3.2 alike, cut anywhere. Memory is
 * the payload of one collected frame, whose length the handler has seen and agreed to.
 */
export class FrameParser {
  readonly #handler: FrameHandler;
  readonly #varint = new VarintReader();
  #type = -1;
  #inPayload = false;
  #remaining = 0;
  #disposition: Disposition = Disposition.skip;
  #collected: Uint8Array | undefined;
  #stopped = false;
  #paused = false;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Drops whatever comes from now on; may be called by the handler. */
  stop(): void {
    this.#stopped = true;
    this.#collected = undefined;
  }

  /** `push` returns early until `resume`; may be called by the handler. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Between two frames, where a stream may end. */
  get atBoundary(): boolean {
    return !this.#inPayload && this.#type === -1 && !this.#varint.pending;
  }

  /** @returns where it was paused; `end` unless it was */
  push(buffer: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && !this.#stopped && !this.#paused) {
      at = this.#inPayload ? this.#payload(buffer, at, end) : this.#header(buffer, at, end);
    }
    return this.#stopped ? end : at;
  }

  /** RFC 9114 §7.1: a stream that ends inside a frame is an error of the connection. */
  finish(): void {
    if (!this.#stopped && !this.atBoundary) throw remoteError(Http3ErrorCode.frameError, 'stream ends inside a frame');
  }

  #header(buffer: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      if (!this.#varint.push(buffer[at] as number)) continue;
      if (this.#type === -1) {
        this.#type = this.#varint.value;
        continue;
      }
      this.#remaining = this.#varint.value;
      this.#inPayload = true;
      this.#disposition = this.#handler.frameStart(this.#type, this.#remaining);
      if (this.#remaining === 0) this.#complete(buffer, at + 1, at + 1);
      return at + 1;
    }
    return end;
  }

  #payload(buffer: Uint8Array, start: number, end: number): number {
    const to = start + Math.min(end - start, this.#remaining);
    this.#remaining -= to - start;
    if (this.#disposition === Disposition.collect) this.#collect(buffer, start, to);
    else {
      if (this.#disposition === Disposition.pass) this.#handler.framePiece(buffer, start, to);
      if (this.#remaining === 0) this.#reset();
    }
    return to;
  }

  #collect(buffer: Uint8Array, start: number, to: number): void {
    const collected = this.#collected;
    if (collected === undefined) {
      if (this.#remaining === 0) {
        this.#complete(buffer, start, to);
        return;
      }
      this.#collected = new Uint8Array(this.#remaining + to - start);
      this.#collected.set(buffer.subarray(start, to));
      return;
    }
    const length = collected.length;
    collected.set(buffer.subarray(start, to), length - this.#remaining - (to - start));
    if (this.#remaining === 0) this.#complete(collected, 0, length);
  }

  #complete(buffer: Uint8Array, start: number, end: number): void {
    const type = this.#type;
    const collect = this.#disposition === Disposition.collect;
    this.#reset();
    if (collect && !this.#stopped) this.#handler.frame(type, buffer, start, end);
  }

  #reset(): void {
    this.#type = -1;
    this.#inPayload = false;
    this.#collected = undefined;
  }
}
