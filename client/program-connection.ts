import type { Socket } from 'node:net';
import type { HostPort } from './listen.ts';
import type { TunnelSource } from './local-services.ts';
import { Splice, type SpliceSink } from './tcp-splice.ts';

/** Until the request is complete. */
export const REQUEST_MS = 10_000;
/** For the program to take the answer that refuses it. */
export const PATIENCE_MS = 1000;

/**
 * What a program says first on its connection to a local proxy: bytes are collected until they are a whole request, in a
 * limited time. Then the program is refused, or its connection is spliced with one through the edge.
 */
export class ProgramConnection {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  readonly #onData: (chunk: Buffer) => void;
  #bytes = Buffer.alloc(0);
  #isOver = false;

  /** @param received called when there are more `bytes`, until the request is complete or refused */
  constructor(socket: Socket, received: () => void) {
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.destroy(), REQUEST_MS);
    this.#onData = (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      received();
    };
    socket.on('close', () => clearTimeout(this.#timer));
    socket.on('data', this.#onData);
    // Nothing complete came and nothing more will.
    socket.on('end', () => !this.#isOver && socket.destroy());
  }

  /** What came and was not consumed. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Whether the request is complete or refused. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param instead what the far end is to get in the place of these bytes */
  consume(bytes: number, instead?: Uint8Array): void {
    const rest = this.#bytes.subarray(bytes);
    this.#bytes = instead === undefined ? rest : Buffer.concat([instead, rest]);
  }

  /** The request is there: time is not limited any more, and what follows waits in the socket. */
  complete(): void {
    this.#end();
    clearTimeout(this.#timer);
    this.#socket.pause();
  }

  /** Says no as the last thing. */
  refuse(answer: Uint8Array | string): void {
    this.#end();
    this.#socket.end(answer);
    // What it still sends is not read; it has a moment to take the answer.
    this.#socket.setTimeout(PATIENCE_MS, () => this.#socket.destroy());
    this.#socket.resume();
  }

  /** Joins a complete request's connection with the target's; what was not consumed goes there first. */
  splice(target: HostPort, source: TunnelSource, sink: SpliceSink): void {
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
    new Splice(this.#socket, target, source, sink);
  }

  #end(): void {
    this.#isOver = true;
    this.#socket.off('data', this.#onData);
  }
}
