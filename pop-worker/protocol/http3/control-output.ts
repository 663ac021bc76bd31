import type { QuicConnection } from '#protocol/quic/api.ts';

/** Our control stream (RFC 9114 §6.2.1): opened with the first frame, never closed. */
export class ControlOutput {
  readonly #quic: QuicConnection;
  #stream = -1;
  /** What waits until the peer allows the stream; a handful of frames at most. */
  #queue: Uint8Array[] = [];

  constructor(quic: QuicConnection) {
    this.#quic = quic;
  }

  /** -1 while it is not open. */
  get stream(): number {
    return this.#stream;
  }

  write(frame: Uint8Array): void {
    this.#queue.push(frame);
    this.flush();
  }

  flush(): void {
    if (this.#queue.length === 0) return;
    if (this.#stream < 0) this.#stream = this.#quic.openStream(false);
    if (this.#stream < 0) return;
    // Frames behind this one tell how to treat all others, so it goes first.
    this.#quic.setPriority(this.#stream, 1, false);
    for (const frame of this.#queue) this.#quic.write(this.#stream, frame, false);
    this.#queue = [];
  }
}
