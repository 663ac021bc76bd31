import { Socket } from 'node:net';

/** What a stream tells. */
export interface TcpStreamListener {
  /** Bytes at the front of a buffer that others use afterwards. */
  received(bytes: Uint8Array, length: number): void;
  /** It takes more again. */
  drained(): void;
  /** It is over; told once, and never after `close`. @param reason one sentence */
  ended(reason: string): void;
}

/** What is received lies here for the call: all streams of a thread share it. */
const RECEIVED = new Uint8Array(65_536);
/** Unsent bytes have so long once the stream is closed. */
const LINGER_MS = 1000;

/** A connected TCP socket. */
export class TcpStream {
  readonly #socket: Socket;
  #isOver = false;

  /** @param descriptor that belongs to it from now on */
  constructor(descriptor: number, listener: TcpStreamListener) {
    const onread = {
      buffer: RECEIVED,
      callback: (length: number, bytes: Uint8Array): boolean => {
        if (!this.#isOver) listener.received(bytes, length);
        return true;
      },
    };
    // `onread` goes with a descriptor too, though the types know it for connect() alone.
    // Of less than the mark that is left unsent Node does not tell when it has gone.
    const writableHighWaterMark = 1;
    const options = {
      fd: descriptor,
      readable: true,
      writable: true,
      allowHalfOpen: true,
      onread,
      writableHighWaterMark,
    };
    const socket = new Socket(options);
    this.#socket = socket;
    let fault = 'the neighbour has closed the connection';
    const end = (): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      socket.destroy();
      listener.ended(fault);
    };
    socket.on('error', (error) => {
      fault = error.message;
    });
    socket.on('end', end);
    socket.on('close', end);
    socket.on('drain', () => {
      if (!this.#isOver) listener.drained();
    });
  }

  /** @returns whether all of it was taken at once: `bytes` may be used again; otherwise they may not, until `drained` */
  write(bytes: Uint8Array): boolean {
    this.#socket.write(bytes);
    return this.#socket.writableLength === 0;
  }

  /** Sends what is left and closes. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const socket = this.#socket;
    socket.end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  /** Closes at once; what was not sent is lost, and the other side is told by a reset. */
  reset(): void {
    // One whose end was sent already cannot be reset: it would stay.
    if (this.#isOver) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
    this.#isOver = true;
  }
}
