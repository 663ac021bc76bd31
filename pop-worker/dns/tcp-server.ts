import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Framing, putLength } from '#protocol/dns/framing.ts';
import { MOST_RESPONSE_BYTES } from '#protocol/dns/responder.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import type { DnsListen } from './setup.ts';
import type { Answer } from './udp-server.ts';

/** Connections at once: of all clients, and of one. */
export const MOST_CONNECTIONS = 1000;
export const MOST_OF_ONE_CLIENT = 50;
/** Without a whole query for so long a connection ends (RFC 7766 asks for some seconds). */
export const IDLE_MS = 10_000;
const SWEEP_MS = 1000;
const LENGTH_BYTES = 2;

/** Why connections ended that their clients did not end. */
export interface TcpEndings {
  /** There are too many. */
  full: number;
  /** The client has too many. */
  client_full: number;
  /** It said nothing for too long, or did not take its answers. */
  idle: number;
  /** What came is no DNS. */
  malformed: number;
}

/** Takes queries by TCP, one after another in each connection. */
export class TcpServer {
  readonly #server: Server;
  readonly #answer: Answer;
  readonly #out = new Uint8Array(LENGTH_BYTES + MOST_RESPONSE_BYTES);
  /** When each has last sent a query, in milliseconds of a monotonic clock. */
  readonly #connections = new Map<Socket, number>();
  readonly #byClient = new Map<string, number>();
  readonly #sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  readonly ended: TcpEndings = { full: 0, client_full: 0, idle: 0, malformed: 0 };
  received = 0;

  constructor(answer: Answer) {
    this.#answer = answer;
    this.#server = createServer({ noDelay: true, highWaterMark: 16_384 }, (socket) => this.#accept(socket));
  }

  /** @returns the port @throws Error of the system */
  async listen({ address, port }: DnsListen): Promise<number> {
    this.#server.listen({ host: address, port, ipv6Only: true, backlog: 511 });
    await once(this.#server, 'listening');
    // What the system says later of connections that it could not give out concerns nobody else.
    this.#server.on('error', () => {});
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #accept(socket: Socket): void {
    const client = socket.remoteAddress ?? '';
    const from = parseIpAddress(client);
    const ofClient = this.#byClient.get(client) ?? 0;
    const isFull = this.#connections.size >= MOST_CONNECTIONS;
    if (isFull || ofClient >= MOST_OF_ONE_CLIENT) {
      this.ended[isFull ? 'full' : 'client_full']++;
      socket.resetAndDestroy();
      return;
    }
    if (from === undefined) {
      // It is gone already.
      socket.destroy();
      return;
    }
    this.#byClient.set(client, ofClient + 1);
    this.#connections.set(socket, performance.now());
    const framing = new Framing();
    socket.on('error', () => {});
    socket.on('data', (bytes) => this.#take(socket, framing, from, bytes));
    socket.on('drain', () => socket.resume());
    socket.once('close', () => this.#forget(socket, client));
  }

  #take(socket: Socket, framing: Framing, from: Uint8Array, bytes: Uint8Array): void {
    socket.cork();
    const isDns = framing.take(bytes, bytes.length, (query) => {
      this.received++;
      this.#connections.set(socket, performance.now());
      const size = this.#answer(query, query.length, from, this.#out.subarray(LENGTH_BYTES));
      if (size === 0) return true;
      putLength(this.#out, 0, size);
      // In one piece (RFC 7766), and a copy: the socket may keep it.
      if (!socket.write(this.#out.slice(0, LENGTH_BYTES + size))) socket.pause();
      return true;
    });
    socket.uncork();
    if (isDns) return;
    this.ended.malformed++;
    socket.resetAndDestroy();
  }

  #forget(socket: Socket, client: string): void {
    this.#connections.delete(socket);
    const left = (this.#byClient.get(client) ?? 1) - 1;
    if (left === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, left);
  }

  #sweep(): void {
    const before = performance.now() - IDLE_MS;
    for (const [socket, lastMs] of this.#connections) {
      if (lastMs > before) continue;
      this.ended.idle++;
      socket.destroy();
    }
  }
}
