import { controllerNamed } from '#protocol/congestion/registry.ts';
import { Burst } from '../../burst.ts';
import { NEVER, type TimeUs } from '../../contract.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type EndpointConfig, type QuicConfig } from '../config.ts';
import type { Connection } from '../connection.ts';
import type { ConnectOptions, EndpointOptions } from '../endpoint/maker.ts';
import { Endpoint } from '../endpoint.ts';
import type { CryptoPort, TlsPort } from '../ports.ts';
import { testCryptoPort } from './crypto-port.ts';
import type { LaterTls } from './later-tls.ts';
import { type Datagram, Link, type LinkOptions } from './link.ts';
import { SeededRandom } from './random.ts';
import { RecordingSink } from './sinks.ts';
import { testTlsPort } from './tls-port.ts';

export interface Ports {
  readonly crypto: CryptoPort;
  readonly clientTls: TlsPort;
  readonly serverTls: TlsPort;
  /** What does the work of `serverTls`, if that is done later. */
  readonly later?: LaterTls;
}

export interface PairOptions {
  readonly seed?: number;
  /** Both directions; `toServer` and `toClient` override. */
  readonly link?: LinkOptions;
  readonly toServer?: LinkOptions;
  readonly toClient?: LinkOptions;
  readonly client?: Partial<QuicConfig>;
  readonly server?: Partial<QuicConfig>;
  readonly endpoint?: Partial<EndpointConfig>;
  readonly ports?: Ports;
  readonly burstBytes?: number;
  readonly connect?: Partial<ConnectOptions>;
  /** At both ends. */
  readonly observe?: EndpointOptions['observe'];
  /** Of the server. */
  readonly onFault?: (error: unknown) => void;
  readonly welcomesEarlyData?: EndpointOptions['welcomesEarlyData'];
}

/** An IPv4 address with port, as six words. */
export const address = (last: number, port: number): Int32Array =>
  Int32Array.of(4 | (port << 16), 0, 0x0100007f + (last << 24), 0, 0, 0);

const DEFAULT_LINK: LinkOptions = { delayUs: 10_000 };
const AMPLIFICATION = 3;

/** Deterministic ports. */
export const testPorts = (random: SeededRandom, certificateBytes = 900, acceptEarlyData = true): Ports => {
  const tls = testTlsPort({ random, alpn: ['test'], certificateBytes, acceptEarlyData });
  return { crypto: testCryptoPort(), clientTls: tls, serverTls: tls };
};

/** A client and a server over a link in virtual time. */
export class Pair {
  now: TimeUs = 1_000_000;
  readonly random: SeededRandom;
  readonly ports: Ports;
  readonly client: Endpoint;
  server: Endpoint;
  readonly toServer: Link;
  readonly toClient: Link;
  readonly clientSink = new RecordingSink();
  readonly serverSinks: RecordingSink[] = [];
  clientAddress = address(2, 4000);
  readonly serverAddress = address(1, 443);
  /** Strangers that wait are heard in each turn. */
  admits = true;
  /** Called for every datagram as it is sent. */
  onClientSends: (datagram: Datagram) => void = () => {};
  onServerSends: (datagram: Datagram) => void = () => {};
  onAccept: (sink: RecordingSink) => void = () => {};
  /** Another source address for a datagram towards the server, as a NAT or an attacker would give it. */
  rewriteFrom: (datagram: Datagram) => Int32Array | undefined = () => undefined;
  /** The server's datagrams seem to come from here. */
  rewriteServer: Int32Array | undefined;
  /** What the server sends there vanishes. */
  dropTo: Int32Array | undefined;
  #connection: Connection | undefined;
  readonly #options: PairOptions;
  readonly #burst: Burst;
  readonly #makeServer: () => Endpoint;
  /** Bytes that arrived from each client address, and that were sent there: the amplification limit is checked with it. */
  readonly #received = new Map<string, number>();
  readonly #sent = new Map<string, number>();

  constructor(options: PairOptions = {}) {
    const seed = options.seed ?? 1;
    this.#options = options;
    this.random = new SeededRandom(seed);
    this.#burst = new Burst(options.burstBytes ?? 1 << 17, 128);
    const ports = options.ports ?? testPorts(new SeededRandom(seed + 1));
    this.ports = ports;
    const link = options.link ?? DEFAULT_LINK;
    this.toServer = new Link({ ...link, ...options.toServer }, this.random);
    this.toClient = new Link({ ...link, ...options.toClient }, this.random);
    const common = {
      config: { ...DEFAULT_ENDPOINT_CONFIG, ...options.endpoint },
      crypto: ports.crypto,
      tokenKey: new Uint8Array(32).fill(7),
      random: this.random,
      ...(options.observe && { observe: options.observe }),
    };
    this.client = new Endpoint({
      ...common,
      quic: { ...DEFAULT_CONFIG, controller: controllerNamed('newreno'), ...options.client },
      tls: ports.clientTls,
    });
    this.#makeServer = () =>
      new Endpoint({
        ...common,
        quic: { ...DEFAULT_CONFIG, controller: controllerNamed('newreno'), ...options.server },
        tls: ports.serverTls,
        resetKey: new Uint8Array(32).fill(9),
        ...(options.onFault && { onFault: options.onFault }),
        ...(options.welcomesEarlyData && { welcomesEarlyData: options.welcomesEarlyData }),
        accept: () => {
          const sink = new RecordingSink();
          this.serverSinks.push(sink);
          this.onAccept(sink);
          return sink;
        },
      });
    this.server = this.#makeServer();
  }

  connect(): Connection {
    this.#connection = this.client.connect(
      {
        remote: this.serverAddress,
        serverName: 'localhost',
        alpn: ['test'],
        sink: this.clientSink,
        ...this.#options.connect,
      },
      this.now,
    );
    return this.#connection;
  }

  /** The server starts anew with the same keys and knows no connection. */
  forgetServer(): void {
    this.server = this.#makeServer();
  }

  /** A datagram that no endpoint wrote, from the client's address. */
  sendToServer(bytes: Uint8Array): void {
    const burst = new Burst(bytes.length, 1);
    burst.buffer.set(bytes);
    burst.commit(bytes.length, 0, this.serverAddress, 0, this.clientAddress, 0);
    this.toServer.send(burst, this.clientAddress, this.now, (datagram) => this.#rewrite(datagram));
  }

  /** …from the server's. */
  sendToClient(bytes: Uint8Array): void {
    const burst = new Burst(bytes.length, 1);
    burst.buffer.set(bytes);
    burst.commit(bytes.length, 0, this.clientAddress, 0, this.serverAddress, 0);
    this.toClient.send(burst, this.serverAddress, this.now, () => {});
  }

  get serverSink(): RecordingSink {
    const sink = this.serverSinks[0];
    if (sink === undefined) throw new Error('no connection was accepted');
    return sink;
  }

  /** The client's end of the connection that was opened last. */
  get opened(): Connection {
    if (this.#connection === undefined) throw new Error('no connection was opened');
    return this.#connection;
  }

  /** The server's end of the first connection that is still there. */
  get accepted(): Connection {
    let found: Connection | undefined;
    this.server.forEach((connection) => {
      found ??= connection;
    });
    if (found === undefined) throw new Error('the server has no connection');
    return found;
  }

  /** Lets time pass until the condition holds. @returns whether it does by the given time */
  run(until: () => boolean, limitUs = 60_000_000): boolean {
    const end = this.now + limitUs;
    for (let turns = 0; turns < 1_000_000; turns++) {
      this.#turn();
      const later = this.ports.later?.deadline ?? NEVER;
      if (until()) return true;
      const next = Math.min(
        this.toServer.next,
        this.toClient.next,
        this.client.deadline(),
        this.server.deadline(),
        later,
      );
      if (next > end) {
        this.now = end;
        return until();
      }
      this.now = Math.max(this.now, next);
    }
    throw new Error('time does not pass');
  }

  #turn(): void {
    const atServer = this.toServer.receive(this.now, (datagram) =>
      this.#count(this.#received, datagram.from, datagram),
    );
    if (atServer !== undefined) this.server.handle(atServer, this.now);
    while (this.admits && this.server.admit(this.now));
    this.ports.later?.run(this.now);
    const atClient = this.toClient.receive(this.now);
    if (atClient !== undefined) this.client.handle(atClient, this.now);
    this.#send(this.client, this.toServer, this.clientAddress, (datagram) => {
      this.#rewrite(datagram);
      this.onClientSends(datagram);
    });
    this.#send(this.server, this.toClient, this.serverAddress, (datagram) => {
      this.#count(this.#sent, datagram.to, datagram);
      this.onServerSends(datagram);
      if (datagram.to.join() === this.dropTo?.join()) datagram.to.fill(0);
      if (this.rewriteServer !== undefined) datagram.from.set(this.rewriteServer);
    });
  }

  #rewrite(datagram: Datagram): void {
    datagram.from.set(this.rewriteFrom(datagram) ?? datagram.from);
  }

  #count(counts: Map<string, number>, address: Int32Array, { bytes }: Datagram): void {
    const key = address.join();
    counts.set(key, (counts.get(key) ?? 0) + bytes.length);
  }

  #send(endpoint: Endpoint, link: Link, local: Int32Array, seen: (datagram: Datagram) => void): void {
    const burst = this.#burst;
    burst.clear();
    for (let turns = 0; endpoint.poll(this.now, burst); turns++) {
      if (turns > 10_000) throw new Error('an endpoint does not stop sending');
      link.send(burst, local, this.now, seen);
      burst.clear();
    }
  }

  /** Bytes that the server sent to an address beyond three times what reached it from there. Not positive: the limit held. */
  amplification(clientAddress = this.clientAddress): number {
    const key = clientAddress.join();
    return (this.#sent.get(key) ?? 0) - AMPLIFICATION * (this.#received.get(key) ?? 0);
  }
}
