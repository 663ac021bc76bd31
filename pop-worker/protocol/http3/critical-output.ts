import type { QuicConnection } from '#protocol/quic/api.ts';

/**
 * One of our unidirectional streams that last as long as the connection (RFC 9114 §6.2.1, RFC 9204 §4.2): opened with
 * the first thing that is written, never closed.
 */
export class CriticalOutput {
  readonly #quic: QuicConnection;
  readonly #type: number;
  #stream = -1;
  /** What waits until the peer allows the stream. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;

  /** @param type RFC 9114 §6.2, below 64 */
  constructor(quic: QuicConnection, type: number) {
    this.#quic = quic;
    this.#type = type;
  }

  /** -1 while it is not open. */
  get stream(): number {
    return this.#stream;
  }

  /** Bytes that are not yet sent for the first time. */
  get waiting(): number {
    return this.#queuedBytes + (this.#stream < 0 ? 0 : this.#quic.bufferedBytes(this.#stream));
  }

  write(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    this.flush();
  }

  flush(): void {
    if (this.#queue.length === 0) return;
    if (this.#stream < 0 && !this.#open()) return;
    for (const chunk of this.#queue) this.#quic.write(this.#stream, chunk, false);
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #open(): boolean {
    this.#stream = this.#quic.openStream(false);
    if (this.#stream < 0) return false;
    // What it says tells how to treat all other streams, so it goes first.
    this.#quic.setPriority(this.#stream, 1, false);
    this.#quic.write(this.#stream, Uint8Array.of(this.#type), false);
    return true;
  }
}
