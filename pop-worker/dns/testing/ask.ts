import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';

const WAIT_MS = 5000;

/** @returns a query for an IPv4 address, with what a resolver adds: an identifier */
export const queryFor = (name: string, id = 0x1234): Buffer => {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
};

/** @returns the response; undefined: there was none within `waitMs` */
export const askByUdp = (
  query: Uint8Array,
  port: number,
  address = '127.0.0.1',
  waitMs = WAIT_MS,
): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), waitMs);
    socket.once('error', reject);
    socket.once('message', (answer) => end(answer));
    socket.connect(port, address, () => socket.send(query));
  });

export const framed = (message: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]);

/** A TCP connection to a server of DNS, and what came by it. */
export class Stream {
  readonly socket: Socket;
  readonly #closed: Promise<boolean>;
  #bytes = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(port: number, address = '127.0.0.1') {
    this.socket = connect(port, address);
    this.socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
    let wasReset = false;
    this.socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      wasReset = code === 'ECONNRESET';
    });
    this.#closed = new Promise((resolve) => this.socket.once('close', () => resolve(wasReset)));
  }

  /** The next message. */
  async next(): Promise<Buffer> {
    for (;;) {
      const length = this.#bytes.length < 2 ? Number.POSITIVE_INFINITY : this.#bytes.readUInt16BE();
      if (this.#bytes.length >= 2 + length) {
        const message = this.#bytes.subarray(2, 2 + length);
        this.#bytes = this.#bytes.subarray(2 + length);
        return message;
      }
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no message came')), WAIT_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Resolves once it is over. @returns whether it was reset */
  closed(): Promise<boolean> {
    return this.#closed;
  }
}
