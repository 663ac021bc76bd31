import { frameError } from '../errors.ts';

/** Frames on the stream of a link. */
export const FrameType = {
  hello: 1,
  vector: 2,
  update: 3,
  confirm: 4,
  digest: 5,
  have: 6,
  want: 7,
  relay: 8,
  sessions: 9,
  ask: 10,
  /** From version 2 on, as `askFilters`. */
  filters: 11,
  askFilters: 12,
  prefixes: 13,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Kinds of DATAGRAM frames: their first byte. */
export const DatagramKind = { probe: 0, packet: 1, relayed: 2, first: 3, second: 4 } as const;

/** Bytes of a frame's payload at most: nobody has to hold more of a frame that is not whole. */
export const MOST_FRAME_BYTES = 8192;
/** Type, and length of the payload. */
export const FRAME_HEADER_BYTES = 3;

/** A frame as it goes on the stream. */
export const frameOf = (type: FrameType, payload: Uint8Array): Uint8Array => {
  if (payload.length > MOST_FRAME_BYTES) throw new RangeError(`a frame of ${payload.length} bytes`);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame[0] = type;
  frame[1] = payload.length >>> 8;
  frame[2] = payload.length;
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
};

/** Cuts a stream into frames; holds one that is not whole yet, and never more. */
export class FrameSplitter {
  readonly #held = new Uint8Array(FRAME_HEADER_BYTES + MOST_FRAME_BYTES);
  #heldBytes = 0;

  /** @param take a frame's type and where its payload lies, lent until it returns @throws MeshError, and what `take` throws */
  push(bytes: Uint8Array, take: (type: number, buffer: Uint8Array, start: number, end: number) => void): void {
    for (let at = 0; at < bytes.length; ) {
      at += this.#fill(FRAME_HEADER_BYTES, bytes, at);
      if (this.#heldBytes < FRAME_HEADER_BYTES) return;
      const held = this.#held;
      const length = ((held[1] as number) << 8) | (held[2] as number);
      if (length > MOST_FRAME_BYTES)
        throw frameError(`a frame of ${length} bytes, where ${MOST_FRAME_BYTES} are the most`);
      const whole = FRAME_HEADER_BYTES + length;
      at += this.#fill(whole, bytes, at);
      if (this.#heldBytes < whole) return;
      this.#heldBytes = 0;
      take(held[0] as number, held, FRAME_HEADER_BYTES, whole);
    }
  }

  #fill(upTo: number, bytes: Uint8Array, at: number): number {
    const missing = Math.max(0, upTo - this.#heldBytes);
    const count = Math.min(missing, bytes.length - at);
    this.#held.set(bytes.subarray(at, at + count), this.#heldBytes);
    this.#heldBytes += count;
    return count;
  }
}
