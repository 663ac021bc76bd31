/** Many connections to an edge, each with a CONNECT-UDP tunnel to an echo: tells what came back, and when. */
import { randomFillSync } from 'node:crypto';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { nowUs } from '#host/clock/clock.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { PassiveHttp3Sink } from '#pop-worker/library/http3-sink.ts';
import { resuming } from '#pop-worker/library/saved-session.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { openUdpTunnel, type UdpTunnel } from '#protocol/masque/connect-udp.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';
import { defaultUdpTemplate } from '#protocol/masque/uri-template.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { EarlyDevice, type Kept, type Opened, wordsOf } from './early-device.ts';

export interface FlipOrder {
  readonly edge: string;
  readonly port: number;
  readonly serverName: string;
  readonly trustAnchors: string;
  /** One for each connection. */
  readonly tokens: readonly string[];
  /** Of devices that come with early data meanwhile. */
  readonly earlyTokens: readonly string[];
  readonly echoPort: number;
  /** Between two packets of a connection. */
  readonly everyMs: number;
}

/** What came of the packets of one phase, and of connections that were opened meanwhile. */
export interface FlipReport {
  /** Of each packet that came back: when it was sent (milliseconds since 1970, of the monotonic clock), and its round trip. */
  readonly sentMs: readonly number[];
  readonly rttMs: readonly number[];
  /** Of each that did not: its connection, and when it was sent. */
  readonly lost: readonly { readonly connection: number; readonly ms: number }[];
  /** Connections that ended, by how. */
  readonly ended: readonly string[];
  readonly payloadBytes: number;
  /** Opened during the phase. */
  readonly opened: readonly Opened[];
  readonly failed: readonly string[];
}

export type FlipCommand = { readonly order: FlipOrder } | { readonly begin: { readonly opens: boolean } } | 'end';

const PER_SOCKET = 50;
const HEAD_BYTES = 12;
/** What comes later than this after the end counts as lost. */
const LINGER_MS = 1500;
const OPEN_EVERY_MS = 25;
const BUFFER = 4 << 20;

const clockMs = (): number => performance.timeOrigin + performance.now();

class Line {
  readonly endpoint: Endpoint;
  readonly driver: QuicDriver;

  constructor(trustAnchors: string) {
    const socket = UdpSocket.open({
      address: '0.0.0.0',
      port: 0,
      receiveBufferBytes: BUFFER,
      sendBufferBytes: BUFFER,
    });
    this.endpoint = new Endpoint({
      config: DEFAULT_ENDPOINT_CONFIG,
      // As large from the beginning as the edge's: 1452 bytes.
      quic: {
        ...DEFAULT_CONFIG,
        controller: controllerNamed(DEFAULT_CONTROLLER),
        initialDatagramBytes: 1452,
        maxDatagramBytes: 1452,
        keepAliveUs: 5_000_000,
      },
      crypto: opensslCrypto,
      tls: createTlsClientPort({ trustAnchors }),
      random: { fill: (bytes) => void randomFillSync(bytes) },
      tokenKey: new Uint8Array(32),
    });
    this.driver = new QuicDriver({ socket, endpoint: this.endpoint });
  }
}

interface Flying {
  readonly connection: number;
  readonly ms: number;
}

class Client {
  readonly #order: FlipOrder;
  readonly #lines: Line[] = [];
  readonly #tunnels: UdpTunnel[] = [];
  readonly #flying = new Map<number, Flying>();
  #sequence = 0;
  #phase: { sentMs: number[]; rttMs: number[]; opened: Opened[]; failed: string[] } | undefined;
  readonly #ended: string[] = [];
  #timers: NodeJS.Timeout[] = [];
  #payload = new Uint8Array(0);
  readonly #early: readonly EarlyDevice[];
  #openings = 0;

  constructor(order: FlipOrder) {
    this.#order = order;
    const { serverName, earlyTokens } = order;
    this.#early = earlyTokens.map(
      (token, i) =>
        new EarlyDevice({ ...{ serverName, token, clockMs }, dial: (sink, kept) => this.#dial(i, sink, kept) }),
    );
    for (let i = 0; i * PER_SOCKET < order.tokens.length; i++) this.#lines.push(new Line(order.trustAnchors));
  }

  /** Opens all connections and their tunnels, some at a time. */
  async connect(): Promise<void> {
    const { tokens } = this.#order;
    const AT_ONCE = 20;
    for (let i = 0; i < tokens.length; i += AT_ONCE) {
      await Promise.all(tokens.slice(i, i + AT_ONCE).map((token, j) => this.#tunnel(token, i + j)));
    }
    // Until paths are known to take full packets, in both directions.
    const end = clockMs() + 10_000;
    while (clockMs() < end && this.#tunnels.some((tunnel) => tunnel.maxPayloadBytes() < this.#largest())) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#payload = new Uint8Array(
      TUNNEL_HEADROOM + Math.min(...this.#tunnels.map((tunnel) => tunnel.maxPayloadBytes())),
    );
    randomFillSync(this.#payload);
  }

  #largest(): number {
    return Math.max(...this.#tunnels.map((tunnel) => tunnel.maxPayloadBytes()));
  }

  /** @returns the connection where it begins with early data */
  #dial(index: number, sink: PassiveHttp3Sink, kept?: Kept): Http3Connection | undefined {
    const { edge, port, serverName } = this.#order;
    const line = this.#lines[index % this.#lines.length] as Line;
    const options = kept === undefined ? {} : { remembered: kept.settings };
    const binding = new Http3Binding((quic) => new Http3Connection(quic, sink, options));
    const whom = { remote: addressOf(edge, port), serverName, alpn: ['h3'], sink: binding };
    const connection = line.endpoint.connect({ ...whom, ...resuming(kept?.session, true) }, nowUs());
    if (kept === undefined) return undefined;
    // What HTTP/3 begins with goes out as early data.
    const http3 = binding.bind(connection);
    http3.start();
    return http3;
  }

  #tunnel(token: string, index: number): Promise<void> {
    const { serverName, echoPort } = this.#order;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const client = this;
    class Sink extends PassiveHttp3Sink {
      override settings: PassiveHttp3Sink['settings'] = (http3) => {
        const fields = [{ name: 'proxy-authorization', value: `Bearer ${token}` }];
        const tunnel = openUdpTunnel(
          http3,
          defaultUdpTemplate(serverName),
          '127.0.0.1',
          echoPort,
          {
            opened: () => resolve(),
            payload: (_tunnel, buffer, start, end) => client.#back(buffer, start, end),
            refused: (_tunnel, { status }) => reject(new Error(`refused with status ${status}`)),
            closed: (_tunnel, { reason }) => void client.#ended.push(`tunnel: ${reason}`),
          },
          fields,
        );
        if (tunnel !== undefined) client.#tunnels[index] = tunnel;
      };
      override connectionClosed: PassiveHttp3Sink['connectionClosed'] = (_http3, info) => {
        client.#ended.push(wordsOf(info));
        reject(new Error(wordsOf(info)));
      };
    }
    this.#dial(index, new Sink());
    return promise;
  }

  begin(opens: boolean): void {
    this.#phase = { sentMs: [], rttMs: [], opened: [], failed: [] };
    const { everyMs } = this.#order;
    // Spread over the interval, a slice of connections each millisecond.
    const slices = Math.max(1, Math.round(everyMs));
    let slice = 0;
    const timer = setInterval(() => {
      for (let i = slice; i < this.#tunnels.length; i += slices) this.#send(i);
      slice = (slice + 1) % slices;
      for (const { driver } of this.#lines) driver.run();
    }, 1);
    this.#timers.push(timer);
    if (opens) this.#timers.push(setInterval(() => this.#openOne(), OPEN_EVERY_MS));
  }

  #send(connection: number): void {
    const sequence = this.#sequence++;
    const ms = clockMs();
    const view = new DataView(this.#payload.buffer);
    view.setUint32(TUNNEL_HEADROOM, sequence);
    view.setFloat64(TUNNEL_HEADROOM + 4, ms);
    if (this.#tunnels[connection]?.send(this.#payload, TUNNEL_HEADROOM, this.#payload.length)) {
      this.#flying.set(sequence, { connection, ms });
    }
  }

  #back(buffer: Uint8Array, start: number, end: number): void {
    if (end - start < HEAD_BYTES) return;
    const sequence = new DataView(buffer.buffer, buffer.byteOffset + start, 4).getUint32(0);
    const flying = this.#flying.get(sequence);
    if (flying === undefined) return;
    this.#flying.delete(sequence);
    this.#phase?.sentMs.push(flying.ms);
    this.#phase?.rttMs.push(clockMs() - flying.ms);
  }

  /** One more connection, that ends once it is confirmed; every other one by a device with early data, if one is free. */
  #openOne(): void {
    const phase = this.#phase;
    if (phase === undefined) return;
    const failed = (reason: string): void => void phase.failed.push(reason);
    const opening = this.#openings++;
    const device = opening % 2 === 0 ? undefined : this.#early.find(({ isBusy }) => !isBusy);
    if (device !== undefined) {
      device.open((opened) => void phase.opened.push(opened), failed);
      return;
    }
    const ms = clockMs();
    let done = false;
    class Sink extends PassiveHttp3Sink {
      override handshakeConfirmed: PassiveHttp3Sink['handshakeConfirmed'] = (http3) => {
        done = true;
        phase?.opened.push({ ms, tookMs: clockMs() - ms, early: 'none' });
        http3.close();
      };
      override connectionClosed: PassiveHttp3Sink['connectionClosed'] = (_http3, info) => {
        if (!done) failed(wordsOf(info));
      };
    }
    this.#dial(opening, new Sink());
  }

  async end(): Promise<FlipReport> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    const lost = [...this.#flying.values()];
    this.#flying.clear();
    const { sentMs = [], rttMs = [], opened = [], failed = [] } = this.#phase ?? {};
    this.#phase = undefined;
    const payloadBytes = this.#payload.length - TUNNEL_HEADROOM;
    return { sentMs, rttMs, lost, ended: [...this.#ended], payloadBytes, opened, failed };
  }
}

let client: Client | undefined;
const take = async (command: FlipCommand): Promise<void> => {
  if (command === 'end') process.send?.({ report: await client?.end() });
  else if ('order' in command) {
    client = new Client(command.order);
    await client.connect();
    process.send?.({ ready: true });
  } else client?.begin(command.begin.opens);
};
process.on('message', (command: FlipCommand) => {
  take(command).catch((error: Error) => process.send?.({ error: error.message }));
});
process.on('disconnect', () => process.exit());
