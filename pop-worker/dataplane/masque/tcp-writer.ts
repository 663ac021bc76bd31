import type { Socket } from 'node:net';
import { KeptBytes } from '#protocol/quic/kept-bytes.ts';

/**
 * Writes to a TCP connection what comes in pieces of any size. While one write is under way, pieces are gathered for the
 * next: so a target that takes nothing, and a peer that sends byte by byte, make few requests to write.
 */
export class TcpWriter {
  readonly #socket: Socket;
  readonly #written: (bytes: number) => void;
  readonly #waiting = new KeptBytes();
  #isWriting = false;

  /** @param written is told of bytes that TCP took, or that it never will */
  constructor(socket: Socket, written: (bytes: number) => void) {
    this.#socket = socket;
    this.#written = written;
  }

  /** @param buffer lent */
  write(buffer: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#waiting.add(buffer, start, end);
    if (!this.#isWriting) this.#flush();
  }

  /** FIN behind all that was written. */
  end(): void {
    this.#flush();
    this.#socket.end();
  }

  #flush(): void {
    const { bytes } = this.#waiting;
    if (bytes === 0) return;
    this.#isWriting = true;
    const pieces = this.#waiting.take();
    const last = pieces.pop() as Uint8Array;
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.write(last, () => {
      this.#isWriting = false;
      this.#written(bytes);
      if (!this.#isWriting) this.#flush();
    });
    this.#socket.uncork();
  }
}
