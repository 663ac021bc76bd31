/** The clients' ends of the streams and TCP connections, each bound to the inner address of its device. */
import { createSocket, type Socket } from 'node:dgram';
import net from 'node:net';
import { ArrivalLog } from './gaps.ts';
import { EVERY_MS, type NearOrder, nowMs, PACKET_BYTES, PORT, type Seen, type StreamSpec } from './order.ts';
import { Ticker } from './ticker.ts';

/** A line is sent on a connection, and comes back, so often. */
const LINE_EVERY_TICKS = 10;
/** Who only receives asks until something comes. */
const HELLO_EVERY_TICKS = 20;

class Client {
  readonly arrivals = new ArrivalLog();
  readonly connection: { last: number; ended?: string } = { last: 0 };
  readonly #spec: StreamSpec;
  readonly #socket: Socket;
  readonly #tcp: net.Socket;
  readonly #packet = new Uint8Array(PACKET_BYTES);

  constructor(spec: StreamSpec) {
    this.#spec = spec;
    const { id, local, far, direction } = spec;
    const packet = new DataView(this.#packet.buffer);
    packet.setUint32(0, id);
    packet.setUint8(4, direction === 'up' ? 0 : 1);
    this.#socket = createSocket(local.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('error', () => {});
    this.#socket.on('message', () => this.arrivals.take(nowMs()));
    this.#socket.bind({ address: local }, () => this.#socket.connect(PORT, far));
    this.#tcp = net.connect({ host: far, port: PORT, localAddress: local, noDelay: true });
    this.#tcp.on('data', () => {
      this.connection.last = nowMs();
    });
    this.#tcp.on('error', ({ code = 'error' }: NodeJS.ErrnoException) => {
      this.connection.ended ??= code;
    });
    this.#tcp.on('close', () => {
      this.connection.ended ??= 'closed';
    });
  }

  tick(n: number): void {
    const { direction } = this.#spec;
    if (direction !== 'down' || (this.arrivals.count === 0 && n % HELLO_EVERY_TICKS === 0)) {
      try {
        this.#socket.send(this.#packet);
      } catch {
        // It is not bound yet, or what was sent came back as an ICMP error.
      }
    }
    if (n % LINE_EVERY_TICKS === 0 && this.connection.ended === undefined) this.#tcp.write('a line\n');
  }
}

process.once('message', ({ streams }: NearOrder) => {
  const clients = new Map(streams.map((spec) => [spec.id, new Client(spec)]));
  const ticker = new Ticker(EVERY_MS, (n) => {
    for (const client of clients.values()) client.tick(n);
  });
  process.once('SIGTERM', () => {
    const seen: Seen = {
      arrivals: Object.fromEntries([...clients].map(([id, { arrivals }]) => [id, arrivals])),
      connections: Object.fromEntries([...clients].map(([id, { connection }]) => [id, connection])),
      ownStallMs: ticker.longestStallMs,
    };
    process.send?.({ result: seen }, () => process.exit());
  });
  process.send?.({ ready: clients.size });
});
