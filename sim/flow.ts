import { Burst, D_ECN, D_LENGTH, D_OFFSET, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import type { CongestionController, ControllerOptions } from '#protocol/congestion/controller.ts';
import type { TimeUs } from '#protocol/contract.ts';
import type { ConnectionSink, QuicConnection } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { testCryptoPort } from '#protocol/quic/testing/crypto-port.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { testTlsPort } from '#protocol/quic/testing/tls-port.ts';
import type { Events } from './events.ts';
import type { Next, Packet } from './path/packet.ts';

/** IPv4 and UDP. */
const HEADER_BYTES = 28;
const CHUNK = new Uint8Array(1 << 16);
const WINDOW = 64 << 20;

/** What a server has to say. */
export interface Application {
  /** Bytes that are there at the start; `Infinity`: always more. */
  readonly bytes: number;
  /** Bytes a second that come after it; 0: none. */
  readonly bytesPerSecond?: number;
}

/** New data comes so often, in microseconds. */
const TRICKLE_US = 10_000;

export interface FlowOptions {
  readonly id: number;
  readonly seed: number;
  readonly controller: (options: ControllerOptions) => CongestionController;
  readonly startUs: TimeUs;
  readonly application: Application;
  /** To the receiver, and back. */
  readonly forward: Next;
  readonly back: Next;
}

class Sink implements ConnectionSink {
  bytes = 0;
  writable: (connection: QuicConnection, stream: number) => void = () => {};
  request: (connection: QuicConnection, stream: number) => void = () => {};
  complete: (connection: QuicConnection) => void = () => {};

  handshakeComplete(connection: QuicConnection): void {
    this.complete(connection);
  }
  handshakeConfirmed(): void {}
  streamData(c: QuicConnection, stream: number, _buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    this.bytes += end - start;
    c.consume(stream, end - start);
    if (fin) this.request(c, stream);
  }
  streamReset(): void {}
  streamStopSending(): void {}
  streamWritable(connection: QuicConnection, stream: number): void {
    this.writable(connection, stream);
  }
  streamClosed(): void {}
  streamsAvailable(): void {}
  datagram(): void {}
  datagramWritable(): void {}
  ticket(): void {}
  closed(): void {}
}

const addressOf = (host: number, port: number): Int32Array =>
  Int32Array.of(4 | (port << 16), 0, 0x0100007f + (host << 24), 0, 0, 0);

const QUIC: Omit<QuicConfig, 'controller'> = {
  ...DEFAULT_CONFIG,
  maxIdleTimeoutMs: 0,
  maxDatagramBytes: 1472,
  initialMaxData: WINDOW,
  initialMaxStreamDataBidiLocal: WINDOW,
  maxConnectionWindow: WINDOW,
  maxStreamWindow: WINDOW,
};

type Out = (bytes: Uint8Array, ecn: number) => void;

/** One side: an endpoint whose datagrams go to `out`, woken when something comes or when it is time. */
class Side {
  readonly endpoint: Endpoint;
  readonly #events: Events;
  readonly #local: Int32Array;
  readonly #remote: Int32Array;
  readonly #out: Out;
  readonly #sending = new Burst(1 << 17, 64);
  readonly #receiving = new Burst(2048, 1);
  #wakeAt: TimeUs = Number.POSITIVE_INFINITY;

  constructor(events: Events, endpoint: Endpoint, local: Int32Array, remote: Int32Array, out: Out) {
    this.#events = events;
    this.endpoint = endpoint;
    this.#local = local;
    this.#remote = remote;
    this.#out = out;
  }

  receive({ bytes, ecn }: Pick<Packet, 'bytes' | 'ecn'>): void {
    const burst = this.#receiving;
    burst.clear();
    burst.buffer.set(bytes);
    burst.commit(bytes.length, ecn, this.#remote, 0, this.#local, 0);
    this.endpoint.handle(burst, this.#events.now);
    this.poll();
  }

  poll(): void {
    const { now } = this.#events;
    const burst = this.#sending;
    burst.clear();
    while (this.endpoint.poll(now, burst)) {
      this.#send(burst);
      burst.clear();
    }
    const at = this.endpoint.deadline();
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    this.#events.plan(at, () => this.#wake(at));
  }

  /** A plan that a later one replaced wakes nobody. */
  #wake(at: TimeUs): void {
    if (this.#wakeAt !== at) return;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.poll();
  }

  #send({ words, buffer, count }: Burst): void {
    for (let i = 0; i < count; i++) {
      const base = i * DESCRIPTOR_WORDS;
      const start = words[base + D_OFFSET] as number;
      const end = start + (words[base + D_LENGTH] as number);
      const segment = words[base + D_SEGMENT] as number;
      const ecn = words[base + D_ECN] as number;
      for (let at = start; at < end; at += segment) this.#out(buffer.slice(at, Math.min(end, at + segment)), ecn);
    }
  }
}

/** A QUIC server that sends, and the client that receives: the product's own core in virtual time. */
export class Flow {
  readonly id: number;
  readonly #events: Events;
  readonly #client: Side;
  readonly #server: Side | undefined;
  readonly #received = new Sink();
  #connection: QuicConnection | undefined;
  #stream = -1;
  #owed = 0;
  #bytesPerSecond = 0;

  constructor(events: Events, options: FlowOptions) {
    const { id, seed, controller, application } = options;
    this.id = id;
    this.#events = events;
    this.setApplication(application);
    const random = new SeededRandom(seed);
    const common = {
      config: DEFAULT_ENDPOINT_CONFIG,
      crypto: testCryptoPort(),
      tls: testTlsPort({ random, alpn: ['sim'], certificateBytes: 900, acceptEarlyData: false }),
      tokenKey: new Uint8Array(32),
      random,
      quic: { ...QUIC, controller },
    };
    const [near, far] = [addressOf(2, 4000), addressOf(1, 443)];
    const link = (next: Next, deliver: Packet['deliver']) => (bytes: Uint8Array, ecn: number) =>
      next({ bytes, size: bytes.length + HEADER_BYTES, flow: id, ecn, sentAt: events.now, deliver });
    this.#client = new Side(
      events,
      new Endpoint(common),
      near,
      far,
      link(options.back, (packet) => this.#server?.receive(packet)),
    );
    const sending = new Sink();
    sending.request = (connection, stream) => this.#begin(connection, stream);
    sending.writable = () => this.#feed();
    const server = new Endpoint({ ...common, resetKey: new Uint8Array(32), accept: () => sending });
    this.#server = new Side(
      events,
      server,
      far,
      near,
      link(options.forward, (packet) => this.#client.receive(packet)),
    );
    events.plan(options.startUs, () => this.#connect(far));
  }

  /** Payload that has arrived. */
  get receivedBytes(): number {
    return this.#received.bytes;
  }

  /** From now on the sender has this to say, and nothing of what it had before and has not written yet. */
  setApplication({ bytes, bytesPerSecond = 0 }: Application): void {
    this.#owed = bytes;
    this.#bytesPerSecond = bytesPerSecond;
    if (this.#connection?.bufferedBytes(this.#stream) === 0) this.#feed();
    this.#server?.poll();
  }

  #connect(remote: Int32Array): void {
    this.#received.complete = (connection) => connection.write(connection.openStream(true), new Uint8Array(1), true);
    this.#client.endpoint.connect(
      { remote, serverName: 'localhost', alpn: ['sim'], sink: this.#received },
      this.#events.now,
    );
    this.#client.poll();
  }

  #begin(connection: QuicConnection, stream: number): void {
    this.#connection = connection;
    this.#stream = stream;
    this.#feed();
    this.#trickle();
  }

  #trickle(): void {
    this.#events.plan(this.#events.now + TRICKLE_US, () => {
      if (this.#bytesPerSecond > 0) {
        this.#owed += (this.#bytesPerSecond * TRICKLE_US) / 1e6;
        if (this.#connection?.bufferedBytes(this.#stream) === 0) this.#feed();
        this.#server?.poll();
      }
      this.#trickle();
    });
  }

  #feed(): void {
    const bytes = Math.floor(Math.min(this.#owed, CHUNK.length));
    if (bytes <= 0) return;
    this.#owed -= bytes;
    this.#connection?.write(this.#stream, CHUNK.subarray(0, bytes), false);
  }
}
