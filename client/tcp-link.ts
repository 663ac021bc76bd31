import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Http2Connection } from '#host/http2/connection.ts';
import { TcpAttempt } from '#host/tcp/connect.ts';
import { addressOf, formatAddress } from '#host/udp/address.ts';
import { addressFamily } from '#protocol/address.ts';
import type { CarriedLink, LinkFigures } from './carried-link.ts';
import { ConnectFailure } from './failure.ts';
import { IpTunnels, type PacketPort } from './ip-tunnels.ts';
import type { DialTarget, LinkSink } from './link.ts';
import { tlsFailure } from './tcp-failure.ts';
import type { Anchors } from './trust.ts';

export interface TcpLinkOptions {
  readonly trust: Anchors;
  /** SO_MARK of our own packets, so that they take no route into the tunnel. */
  readonly mark?: number;
  readonly packets?: PacketPort;
}

const HOP_LIMIT = 64;
/** A dead server is noticed by asking it often; only while it says nothing by itself. */
const KEEP_ALIVE_MS = 1000;
const SETTINGS = { enablePush: false, initialWindowSize: 4 << 20 };
/** Of the connection: all its streams together. */
const WINDOW_BYTES = 8 << 20;

/** HTTP/2 over TCP to one address of an edge, for networks that let no UDP through. */
export class TcpLink implements CarriedLink {
  readonly label: string;
  onStreamsAvailable: (() => void) | undefined;
  readonly #target: DialTarget;
  readonly #sink: LinkSink;
  readonly #options: TcpLinkOptions;
  readonly #tunnels: IpTunnels;
  readonly #attempt: TcpAttempt;
  readonly #timer: NodeJS.Timeout;
  #socket: TLSSocket | undefined;
  #http: Http2Connection | undefined;
  #ready = false;
  #closed = false;
  #answers = 0;
  #unanswered = 0;
  #rttMs: number | undefined;
  #bytesAtPing = 0;

  /** @throws ConnectFailure */
  constructor(target: DialTarget, sink: LinkSink, options: TcpLinkOptions) {
    this.#target = target;
    this.#sink = sink;
    this.#options = options;
    const remote = addressOf(target.address, target.server.port);
    this.label = formatAddress(remote);
    this.#tunnels = new IpTunnels(
      options.packets,
      { send: () => {} },
      {
        opened: () => sink.opened(),
        refused: ({ status, detail, retryAfterMs }) => sink.refused(status, detail, retryAfterMs),
        lost: (reason) => this.#lose(new ConnectFailure(`the edge ended the tunnel: ${reason}`)),
      },
    );
    const local = addressOf(addressFamily(remote) === 4 ? '0.0.0.0' : '::', 0);
    const how = { hopLimit: HOP_LIMIT, leastHopLimit: 0, mark: options.mark ?? 0 };
    try {
      this.#attempt = new TcpAttempt(local, '', remote, how, (result) => this.#connected(result));
    } catch (error) {
      throw this.#unreached(error);
    }
    this.#timer = setInterval(() => this.#keepAlive(), KEEP_ALIVE_MS);
  }

  /** @throws Error before it is ready */
  get http(): Http2Connection {
    if (this.#http === undefined) throw new Error('the link is not ready');
    return this.#http;
  }

  get authority(): string {
    return this.#target.server.authority;
  }

  openTunnel(token: string): void {
    if (!this.#tunnels.open(this.http, this.authority, token))
      this.#lose(new ConnectFailure(`${this.label} takes no more tunnels`));
  }

  /** TCP tells no packets: what came in at all, in bytes. */
  packetsReceived(): number {
    return this.#bytesReceived() + this.#answers;
  }

  probeTimeouts(): number {
    return this.#unanswered;
  }

  localAddress(): string | undefined {
    return this.#socket?.localAddress;
  }

  figures(): LinkFigures {
    return {
      bytesSent: this.#socket?.bytesWritten ?? 0,
      bytesReceived: this.#bytesReceived(),
      packetsSent: 0,
      packetsReceived: 0,
      rttMs: this.#rttMs,
      lossRatio: undefined,
      controller: 'tcp',
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#tunnels.forget();
    this.#attempt.close();
    this.#http?.close();
    this.#socket?.destroy();
  }

  #bytesReceived(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  #connected(result: Error | number): void {
    if (typeof result !== 'number') {
      this.#lose(this.#unreached(result));
      return;
    }
    const { host } = this.#target.server;
    const { pem, pins } = this.#options.trust;
    const tcp = new Socket({ fd: result, readable: true, writable: true });
    tcp.setNoDelay(true);
    const tls = connectTls({
      socket: tcp,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      // RFC 6066 §3: no name for an address.
      ...(addressFamilyOfText(host) ? { host } : { servername: host }),
      // Pins alone stand for authority and name.
      ...(pem === undefined ? { rejectUnauthorized: false } : { ca: pem }),
    });
    this.#socket = tls;
    tls.once('error', (error) => this.#lose(tlsFailure(error, this.#target, this.label, this.#ready)));
    tls.once('close', () => this.#lose(this.#over()));
    tls.once('secureConnect', () => {
      if (pins.length > 0 && !isPinned(tls, pins))
        this.#lose(tlsFailure({ code: 'ERR_PIN', message: '' }, this.#target, this.label, false));
      else this.#secure(tls);
    });
  }

  #secure(tls: TLSSocket): void {
    if (this.#closed) return;
    if (tls.alpnProtocol !== 'h2') {
      this.#lose(
        new ConnectFailure(`${this.authority} speaks no HTTP/2 here: is it a CloudBridge edge`, 'fatal-at-first'),
      );
      return;
    }
    const session = connect(`https://${this.authority}`, { createConnection: () => tls, settings: SETTINGS });
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
    const http = new Http2Connection(session, false, {
      turnOver: () => this.#options.packets?.flush(),
      mayHaveRoom: () => this.#options.packets?.mayHaveRoom(),
    });
    this.#http = http;
    session.once('error', (error) => this.#lose(tlsFailure(error, this.#target, this.label, this.#ready)));
    session.on('goaway', (code) => this.#sentAway(code));
    session.once('close', () => this.#lose(this.#over()));
    session.once('remoteSettings', ({ enableConnectProtocol }) => {
      if (this.#closed) return;
      this.#ready = true;
      if (enableConnectProtocol === true) this.#sink.ready(false);
      else
        this.#lose(new ConnectFailure(`${this.label} is no CloudBridge edge: it takes no tunnels`, 'fatal-at-first'));
    });
  }

  /** Asks whether the server is there while it says nothing. */
  #keepAlive(): void {
    const session = this.#http?.session as ClientHttp2Session | undefined;
    if (session === undefined || session.destroyed || !this.#ready) return;
    const received = this.#bytesReceived();
    if (received !== this.#bytesAtPing) {
      this.#bytesAtPing = received;
      this.#unanswered = 0;
      if (this.#rttMs !== undefined) return;
    }
    this.#unanswered++;
    session.ping((error: Error | null, durationMs: number) => {
      if (error !== null) return;
      this.#answers++;
      this.#unanswered = 0;
      this.#rttMs = durationMs;
      this.#bytesAtPing = this.#bytesReceived();
    });
  }

  #unreached(error: unknown): ConnectFailure {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ECONNREFUSED') return new ConnectFailure(`nobody listens at ${this.label} (TCP)`);
    return new ConnectFailure(`${this.label} cannot be reached by TCP (${code})`);
  }

  #sentAway(code: number): void {
    if (this.#closed) return;
    // Of a whole connection: nothing that this device asks for is served any more.
    if (code === constants.NGHTTP2_REFUSED_STREAM)
      this.#lose(new ConnectFailure('the edge refuses this device', 'fatal'));
    else this.#sink.leaving();
  }

  #over(): ConnectFailure {
    return new ConnectFailure(
      this.#ready ? `${this.label} has closed the connection` : `${this.label} does not speak HTTP/2 over TLS`,
    );
  }

  #lose(failure: ConnectFailure): void {
    if (this.#closed) return;
    this.close();
    this.#sink.lost(failure);
  }
}

const addressFamilyOfText = (host: string): boolean => /^[0-9.]+$|:/.test(host);

/** SHA-256 of the SubjectPublicKeyInfo. */
const isPinned = (tls: TLSSocket, pins: readonly Uint8Array[]): boolean => {
  const certificate = tls.getPeerX509Certificate() as X509Certificate | undefined;
  if (certificate === undefined) return false;
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const digest = createHash('sha256').update(spki).digest();
  return pins.some((pin) => timingSafeEqual(pin, digest));
};
