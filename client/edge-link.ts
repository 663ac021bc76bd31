import { randomInt } from 'node:crypto';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { nowUs } from '#host/clock/clock.ts';
import type { QlogRecorder } from '#host/qlog/recorder.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { addressOf, formatAddress, formatHost } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressFamily } from '#protocol/address.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import type { Http3Sink } from '#protocol/http3/api.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import type { Http3Settings } from '#protocol/http3/settings.ts';
import type { IpTunnel } from '#protocol/masque/connect-ip.ts';
import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import type { TlsPort } from '#protocol/quic/ports.ts';
import type { CarriedLink, LinkFigures } from './carried-link.ts';
import { closeFailure } from './close-reason.ts';
import { ConnectFailure } from './failure.ts';
import { IpTunnels, type PacketPort } from './ip-tunnels.ts';
import type { DialTarget, LinkSink } from './link.ts';

export interface EdgeLinkOptions {
  readonly tls: TlsPort;
  /** SO_MARK of our own packets, so that they take no route into the tunnel. */
  readonly mark?: number;
  readonly packets?: PacketPort;
  /** Room for bursts, in messages of 64 KiB; for whoever has many links. Default: what one fast link takes. */
  readonly messages?: number | undefined;
  /** Congestion controller by its name; undefined: the default one. */
  readonly controller?: string | undefined;
  /** Logs the connection. */
  readonly qlog?: QlogRecorder | undefined;
}

/** UDP payloads over Ethernet (1500 bytes) by address family. */
const MAX_DATAGRAM_BYTES = { 4: 1472, 6: 1452 } as const;
/** Room for a 1280-byte inner IPv6 packet (RFC 9484 §10.1). */
const ROOMY_INITIAL_BYTES = 1331;
/** A dead server is noticed by asking it often; only while it says nothing by itself. */
const KEEP_ALIVE_US = 1_000_000;
/** How long CONNECTION_CLOSE may take to leave. */
export const LINGER_MS = 50;

const configFor = (family: 4 | 6, target: DialTarget, controller: string): QuicConfig => ({
  ...DEFAULT_CONFIG,
  controller: controllerNamed(controller),
  keepAliveUs: KEEP_ALIVE_US,
  initialDatagramBytes: target.cautious ? 1200 : ROOMY_INITIAL_BYTES,
  maxDatagramBytes: MAX_DATAGRAM_BYTES[family],
  initialMaxData: 4 << 20,
  initialMaxStreamDataBidiLocal: 1 << 20,
  datagramQueueBytes: 1 << 19,
  datagramQueueCount: 2048,
});

const open = (address: string, mark: number): UdpSocket => {
  const options = { address, port: 0, waited: true, receiveBufferBytes: 8 << 20, sendBufferBytes: 4 << 20, mark };
  try {
    return UdpSocket.open(options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const family = address.includes(':') ? 'IPv6' : 'IPv4';
    throw new ConnectFailure(`no ${family} socket can be opened here (${code})`);
  }
};

/** HTTP/3 over a socket of its own to one address of an edge. */
export class EdgeLink implements CarriedLink, Http3Sink {
  readonly label: string;
  /** There is room for more requests. */
  onStreamsAvailable: (() => void) | undefined;
  readonly #target: DialTarget;
  readonly #sink: LinkSink;
  readonly #tunnels: IpTunnels;
  readonly #driver: QuicDriver;
  readonly #connection: Connection;
  readonly #binding: Http3Binding;
  #resumed = false;
  #ready = false;
  #closed = false;

  /** @throws ConnectFailure */
  constructor(target: DialTarget, sink: LinkSink, options: EdgeLinkOptions) {
    this.#target = target;
    this.#sink = sink;
    const remote = addressOf(target.address, target.server.port);
    this.label = formatAddress(remote);
    const family = addressFamily(remote);
    const socket = open(family === 4 ? '0.0.0.0' : '::', options.mark ?? 0);
    const endpoint = new Endpoint({
      config: DEFAULT_ENDPOINT_CONFIG,
      quic: configFor(family, target, options.controller ?? DEFAULT_CONTROLLER),
      crypto: opensslCrypto,
      tls: options.tls,
      random: systemRandom,
      tokenKey: new Uint8Array(32),
      observe: (connection) => options.qlog?.observe(connection),
    });
    this.#driver = new QuicDriver({
      socket,
      endpoint,
      ...(options.messages !== undefined && { receiveMessages: options.messages, sendMessages: options.messages }),
      afterReceive: () => options.packets?.flush(),
      afterTurn: () => options.packets?.mayHaveRoom(),
    });
    this.#tunnels = new IpTunnels(
      options.packets,
      { receiveBuffer: this.#driver.receiveBuffer, send: (receive) => this.#driver.run(receive) },
      {
        opened: () => sink.opened(),
        refused: ({ status, detail, retryAfterMs }) => sink.refused(status, detail, retryAfterMs),
        lost: (reason) => this.#lose(new ConnectFailure(`the edge ended the tunnel: ${reason}`)),
      },
    );
    this.#binding = new Http3Binding((quic) => {
      const http3 = new Http3Connection(quic, this, { grease: randomInt(2 ** 40) });
      http3.observer = options.qlog?.http3Of(quic);
      return http3;
    });
    this.#connection = endpoint.connect(
      {
        remote,
        serverName: target.server.host,
        alpn: ['h3'],
        sink: this.#binding,
        ...(target.ticket === undefined ? {} : { ticket: target.ticket }),
      },
      nowUs(),
    );
  }

  /** For tunnels besides the IP tunnel. */
  get http(): Http3Connection {
    return this.#binding.bind(this.#connection);
  }

  get authority(): string {
    return this.#target.server.authority;
  }

  /** The IP tunnel that packets go through. */
  get tunnel(): IpTunnel | undefined {
    return this.#tunnels.active;
  }

  get connection(): Connection {
    return this.#connection;
  }

  openTunnel(token: string): void {
    if (!this.#tunnels.open(this.http, this.authority, token))
      this.#lose(new ConnectFailure(`${this.label} takes no more tunnels`));
  }

  packetsReceived(): number {
    return this.#connection.parts.counters.packetsReceived;
  }

  probeTimeouts(): number {
    return this.#connection.parts.recovery.probeTimeouts;
  }

  localAddress(): string | undefined {
    const { local } = this.#connection.parts.paths.active;
    return local[0] === 0 ? undefined : formatHost(local);
  }

  figures(): LinkFigures {
    const { counters, recovery } = this.#connection.parts;
    const { packetsSent, packetsLost } = recovery.stats;
    return {
      bytesSent: counters.bytesSent,
      bytesReceived: counters.bytesReceived,
      packetsSent: counters.packetsSent,
      packetsReceived: counters.packetsReceived,
      rttMs: recovery.rtt.hasSample ? recovery.rtt.smoothedUs / 1000 : undefined,
      lossRatio: packetsSent === 0 ? undefined : packetsLost / packetsSent,
      controller: recovery.controller.name,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tunnels.forget();
    this.http.close();
    setTimeout(() => this.#driver.close(), LINGER_MS);
  }

  // What HTTP/3 tells.

  handshakeComplete(_http3: Http3Connection, info: HandshakeInfo): void {
    this.#resumed = info.resumed;
  }

  settings(_http3: Http3Connection, settings: Http3Settings): void {
    if (this.#closed || this.#ready) return;
    this.#ready = true;
    if (settings.enableConnectProtocol) this.#sink.ready(this.#resumed);
    else this.#lose(new ConnectFailure(`${this.label} is no CloudBridge edge: it takes no tunnels`, 'fatal-at-first'));
  }

  goaway(): void {
    if (!this.#closed) this.#sink.leaving();
  }

  ticket(_http3: Http3Connection, data: Uint8Array): void {
    if (!this.#closed) this.#sink.ticket(data);
  }

  connectionClosed(_http3: Http3Connection, info: CloseInfo): void {
    this.#lose(closeFailure(info, this.#target, this.label, this.#ready));
  }

  streamsAvailable(): void {
    this.onStreamsAvailable?.();
  }

  handshakeConfirmed(): void {}
  request(): void {}
  drained(): void {}
  datagramWritable(): void {}
  response(): void {}
  body(): void {}
  trailers(): void {}
  end(): void {}
  aborted(): void {}
  stopSending(): void {}
  datagram(): void {}
  writable(): void {}
  closed(): void {}

  #lose(failure: ConnectFailure): void {
    if (this.#closed) return;
    this.close();
    this.#sink.lost(failure);
  }
}
