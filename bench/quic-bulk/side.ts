/** One side of a bulk transfer, in a process of its own; told what to do by its parent, told back what it measured. */
import { randomFillSync } from 'node:crypto';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { nowUs } from '#host/clock/clock.ts';
import { programRecorder } from '#host/qlog/environment.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import type { ConnectionSink, QuicConnection } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';

/** What a parent asks of a side. */
export interface SideOrder {
  readonly role: 'server' | 'client';
  readonly address: string;
  /** Where the server listens; 0: any, it tells. */
  readonly port: number;
  readonly bytes: number;
  readonly streams: number;
  /** Payload of a DATAGRAM; 0: streams are measured. */
  readonly datagramBytes: number;
  readonly mtu: number;
  readonly controller: string;
  /** Flow control from the start, in bytes; absent: what connections begin with, and what they learn. */
  readonly windowBytes?: number;
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly trustAnchors: string;
}

export interface SideResult {
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly lostPackets: number;
  readonly datagrams: number;
  /** Segments in one sent message (GSO), and in one received (GRO), on average. */
  readonly segmentsSent: number;
  readonly segmentsReceived: number;
}

const CHUNK = new Uint8Array(1 << 20);

const endpointOptions = (config: Partial<QuicConfig>, controller: string) => ({
  config: DEFAULT_ENDPOINT_CONFIG,
  quic: { ...DEFAULT_CONFIG, controller: controllerNamed(controller), ...config },
  crypto: opensslCrypto,
  random: { fill: (bytes: Uint8Array) => void randomFillSync(bytes) },
  tokenKey: new Uint8Array(32),
  observe: (connection: Connection) => programRecorder().observe(connection),
});

abstract class Sink implements ConnectionSink {
  bytes = 0;
  datagrams = 0;
  handshakeComplete(_connection: QuicConnection): void {}
  handshakeConfirmed(_connection: QuicConnection): void {}
  streamData(
    connection: QuicConnection,
    stream: number,
    _b: Uint8Array,
    start: number,
    end: number,
    _fin: boolean,
  ): void {
    this.bytes += end - start;
    connection.consume(stream, end - start);
  }
  streamReset(): void {}
  streamStopSending(): void {}
  streamWritable(_connection: QuicConnection, _stream: number): void {}
  streamClosed(): void {}
  streamsAvailable(): void {}
  datagram(_connection: QuicConnection, _b: Uint8Array, start: number, end: number): void {
    this.datagrams++;
    this.bytes += end - start;
  }
  datagramWritable(_connection: QuicConnection): void {}
  ticket(): void {}
  abstract closed(): void;
}

/** Sends what each stream asks for, or datagrams until the client has enough. */
class ServerSink extends Sink {
  readonly #order: SideOrder;
  readonly #left = new Map<number, number>();
  readonly #ended: () => void;

  constructor(order: SideOrder, ended: () => void) {
    super();
    this.#order = order;
    this.#ended = ended;
  }

  override streamData(
    connection: QuicConnection,
    stream: number,
    b: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void {
    super.streamData(connection, stream, b, start, end, fin);
    if (!fin) return;
    if (this.#order.datagramBytes > 0) {
      this.datagramWritable(connection);
      return;
    }
    this.#left.set(stream, Math.floor(this.#order.bytes / this.#order.streams));
    this.streamWritable(connection, stream);
  }

  override streamWritable(connection: QuicConnection, stream: number): void {
    const left = this.#left.get(stream) ?? 0;
    if (left === 0) return;
    const bytes = Math.min(left, CHUNK.length);
    this.#left.set(stream, left - bytes);
    connection.write(stream, CHUNK.subarray(0, bytes), left === bytes);
  }

  override datagramWritable(connection: QuicConnection): void {
    while (connection.sendDatagram(CHUNK, 0, this.#order.datagramBytes)) this.datagrams++;
  }

  closed(): void {
    this.#ended();
  }
}

class ClientSink extends Sink {
  readonly #order: SideOrder;
  readonly #ended: () => void;
  startedUs = 0;

  constructor(order: SideOrder, ended: () => void) {
    super();
    this.#order = order;
    this.#ended = ended;
  }

  override handshakeConfirmed(connection: QuicConnection): void {
    this.startedUs = nowUs();
    for (let i = 0; i < this.#order.streams; i++) {
      connection.write(connection.openStream(true), new Uint8Array(1), true);
    }
  }

  override streamData(
    connection: QuicConnection,
    stream: number,
    b: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void {
    super.streamData(connection, stream, b, start, end, fin);
    this.#check(connection);
  }

  override datagram(connection: QuicConnection, b: Uint8Array, start: number, end: number): void {
    super.datagram(connection, b, start, end);
    this.#check(connection);
  }

  #check(connection: QuicConnection): void {
    const { bytes, streams } = this.#order;
    if (this.bytes >= Math.floor(bytes / streams) * streams) connection.close(0, 'done');
  }

  closed(): void {
    this.#ended();
  }
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const tell = (message: unknown): void => {
  process.send?.(message);
};

const open = (address: string, port: number): UdpSocket =>
  UdpSocket.open({ address, port, receiveBufferBytes: 8 << 20, sendBufferBytes: 4 << 20, waited: true });

/** Datagrams must fit from the start; streams find out what the path takes. */
const configOf = ({ mtu, datagramBytes, windowBytes }: SideOrder): Partial<QuicConfig> => ({
  maxDatagramBytes: mtu,
  ...(datagramBytes > 0 ? { initialDatagramBytes: mtu } : {}),
  ...(windowBytes === undefined ? {} : { initialMaxData: windowBytes, initialMaxStreamDataBidiLocal: windowBytes }),
});

const serve = (order: SideOrder): void => {
  const socket = open(order.address, order.port);
  let cpu = 0;
  let startedUs = 0;
  let driver: QuicDriver | undefined;
  const endpoint: Endpoint = new Endpoint({
    ...endpointOptions(configOf(order), order.controller),
    tls: createTlsServerPort({
      suites: ['TLS_AES_128_GCM_SHA256'],
      identities: [{ certificateChain: order.certificateChain, privateKey: order.privateKey }],
      alpn: ['bulk'],
    }),
    accept: () => {
      cpu = cpuSeconds();
      startedUs = nowUs();
      const sink: ServerSink = new ServerSink(order, () =>
        setImmediate(() => {
          endpoint.forEach(({ parts }) => {
            report(socket, sink, cpuSeconds() - cpu, startedUs, parts.counters, parts.recovery.stats.packetsLost);
          });
          driver?.close();
        }),
      );
      return sink;
    },
  });
  driver = new QuicDriver({ socket, endpoint });
  tell({ port: addressPort(socket.localAddress()) });
};

const report = (
  socket: UdpSocket,
  sink: Sink,
  cpu: number,
  startedUs: number,
  counters: { packetsSent: number; packetsReceived: number },
  lostPackets: number,
): void => {
  const { packetsSent, packetsReceived } = counters;
  const seconds = (nowUs() - startedUs) / 1e6;
  const { bytes, datagrams } = sink;
  const { sentMessages, sentSegments, receivedMessages, receivedSegments } = socket.counters;
  const result: SideResult = {
    bytes,
    seconds,
    cpuSeconds: cpu,
    packetsSent,
    packetsReceived,
    lostPackets,
    datagrams,
    segmentsSent: sentSegments / sentMessages,
    segmentsReceived: receivedSegments / receivedMessages,
  };
  tell({ result });
};

const fetchAll = (order: SideOrder): void => {
  const socket = open(order.address.includes(':') ? '::' : '0.0.0.0', 0);
  const endpoint = new Endpoint({
    ...endpointOptions(configOf(order), order.controller),
    tls: createTlsClientPort({ trustAnchors: order.trustAnchors }),
  });
  const driver = new QuicDriver({ socket, endpoint });
  const cpu = cpuSeconds();
  const sink: ClientSink = new ClientSink(order, () => {
    const { counters, recovery } = connection.parts;
    report(socket, sink, cpuSeconds() - cpu, sink.startedUs, counters, recovery.stats.packetsLost);
    // CONNECTION_CLOSE leaves with the next turn.
    setTimeout(() => driver.close(), 50);
  });
  const connection = endpoint.connect(
    { remote: addressOf(order.address, order.port), serverName: 'bench.test', alpn: ['bulk'], sink },
    nowUs(),
  );
};

process.once('message', (order: SideOrder) => {
  if (order.role === 'server') serve(order);
  else fetchAll(order);
});
