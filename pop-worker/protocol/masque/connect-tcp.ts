import type { Abort, StreamSink } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { RequestHead, ResponseHead } from '#protocol/http3/message.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { KeptBytes } from '#protocol/quic/kept-bytes.ts';
import { MasqueError } from './errors.ts';
import { type Refusal, refusalFields } from './proxy-status.ts';
import { parseAuthority, type Target } from './target.ts';
import type { TunnelState } from './tunnel.ts';

/** What a TCP tunnel tells whoever holds the other end. */
export interface TcpTunnelSink {
  /** Bytes for the TCP connection; lent. Give credit back by `consumed` when they are written. */
  data(tunnel: TcpTunnel, buffer: Uint8Array, start: number, end: number): void;
  /** The peer sends no more: a FIN for the TCP connection. The other direction goes on (RFC 9114 §4.4). */
  peerFinished(tunnel: TcpTunnel): void;
  /** What was sent has left; more may be. */
  writable(tunnel: TcpTunnel): void;
  /** Client: the proxy connected. */
  opened(tunnel: TcpTunnel, head: ResponseHead): void;
  /** Client: it did not; `closed` follows. */
  refused(tunnel: TcpTunnel, head: ResponseHead): void;
  /** Over. An abort other than a clean close asks for a RST on the TCP connection (RFC 9114 §4.4). Comes once. */
  closed(tunnel: TcpTunnel, abort: Abort | undefined): void;
}

export interface TcpProxySink extends TcpTunnelSink {
  /** Server: a client wants TCP to that target. Resolve, apply the policy, connect, then `accept`; or `refuse`. */
  tcpWanted(tunnel: TcpTunnel, target: Target, head: RequestHead): void;
}

/** Bytes that a client may send before the proxy has connected. */
const EARLY_BYTES = 16_384;

const EMPTY = new Uint8Array(0);

/** One plain CONNECT, client or server (RFC 9114 §4.4, RFC 9110 §9.3.6). */
export class TcpTunnel implements StreamSink {
  readonly http: HttpConnection;
  stream = -1;
  readonly #sink: TcpTunnelSink;
  #state: TunnelState = 'waiting';
  readonly #held = new KeptBytes();
  #peerFinished = false;
  #finished = false;

  constructor(http: HttpConnection, sink: TcpTunnelSink) {
    this.http = http;
    this.#sink = sink;
  }

  get state(): TunnelState {
    return this.#state;
  }

  /** Sends bytes from the TCP connection; the chunk belongs to the tunnel from now on. */
  write(chunk: Uint8Array): boolean {
    if (this.#state !== 'open' || this.#finished) return false;
    return this.http.sendBody(this.stream, chunk, false);
  }

  /** Bytes that wait; stop reading from TCP above some limit, until `writable`. */
  bufferedBytes(): number {
    return this.#state === 'open' && !this.#finished ? this.http.bufferedBytes(this.stream) : 0;
  }

  /** Bytes of `data` that were written to TCP. Also afterwards: the stream is only over when all of it is consumed. */
  consumed(bytes: number): void {
    this.http.consume(this.stream, bytes);
  }

  /** The TCP connection sent FIN. */
  finish(): void {
    if (this.#state !== 'open' || this.#finished) return;
    this.#finished = true;
    this.http.sendBody(this.stream, EMPTY, true);
    this.#checkOver();
  }

  /** The TCP connection failed, or is given up (RFC 9114 §4.4). */
  fail(reason: string, code: number = Http3ErrorCode.connectError): void {
    if (this.#state === 'closed') return;
    this.http.cancel(this.stream, code);
    this.#over({ by: 'local', code, reason });
  }

  /** Server: the TCP connection is up. */
  accept(fields: Fields = []): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'open';
    this.http.respond(this.stream, [{ name: ':status', value: '200' }, ...fields], false);
    for (const piece of this.#held.take()) this.#sink.data(this, piece, 0, piece.length);
    if (this.#peerFinished) this.#tellFinished();
  }

  /** Server: there will be no tunnel (RFC 9209). @param proxy the name that this proxy goes by */
  refuse(proxy: string, refusal: Refusal): void {
    if (this.#state !== 'waiting') return;
    this.http.respond(this.stream, refusalFields(proxy, refusal), true);
    this.http.stopReading(this.stream);
    this.#over({ by: 'local', code: Http3ErrorCode.noError, reason: refusal.error });
  }

  response(_http: HttpConnection, _stream: number, head: ResponseHead): void {
    if (head.status < 200 || this.#state !== 'waiting') return;
    if (head.status < 300) {
      this.#state = 'open';
      this.#sink.opened(this, head);
      return;
    }
    this.#sink.refused(this, head);
    this.http.cancel(this.stream);
    this.#over({ by: 'remote', code: Http3ErrorCode.noError, reason: `refused with ${head.status}` });
  }

  body(_http: HttpConnection, _stream: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#state === 'open') this.#sink.data(this, buffer, start, end);
    else if (this.#state === 'waiting') {
      if (this.#held.bytes + end - start > EARLY_BYTES) {
        this.fail('too much before the answer', Http3ErrorCode.excessiveLoad);
      } else this.#held.add(buffer, start, end);
    } else this.http.consume(this.stream, end - start);
  }

  end(): void {
    this.#peerFinished = true;
    if (this.#state === 'open') this.#tellFinished();
  }

  trailers(): void {
    // HTTP/3 refuses them in a tunnel (RFC 9114 §4.4).
  }

  datagram(): void {
    // Not sent to a plain CONNECT: HTTP/3 refuses them (RFC 9297 §2).
  }

  aborted(_http: HttpConnection, _stream: number, abort: Abort): void {
    if (this.#state === 'closed') return;
    // RFC 9114 §4.4: the same for the other direction.
    this.http.cancel(this.stream, abort.code);
    this.#over(abort);
  }

  stopSending(_http: HttpConnection, _stream: number, code: number): void {
    // RFC 9114 §4.1: a proxy that refuses may stop us first; its response still counts.
    if (this.#state === 'waiting' && !this.http.isServer) this.#finished = true;
    else this.aborted(this.http, this.stream, { by: 'remote', code, reason: 'stopped by the peer' });
  }

  writable(): void {
    if (this.#state === 'open') this.#sink.writable(this);
  }

  closed(): void {
    this.#over(undefined);
  }

  #tellFinished(): void {
    this.#sink.peerFinished(this);
    this.#checkOver();
  }

  #checkOver(): void {
    if (this.#finished && this.#peerFinished) this.#over(undefined);
  }

  #over(abort: Abort | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#held.clear();
    this.#sink.closed(this, abort);
  }
}

/**
 * Client: asks a proxy for TCP to a host and port.
 *
 * @param authority host:port, IPv6 in brackets
 * @returns undefined while no request can be opened
 * @throws MasqueError local when the authority is not valid
 */
export const openTcpTunnel = (
  http: HttpConnection,
  authority: string,
  sink: TcpTunnelSink,
  fields: Fields = [],
): TcpTunnel | undefined => {
  if (parseAuthority(authority) === undefined) {
    throw new MasqueError(Http3ErrorCode.internalError, 'local', `not host:port: ${authority}`);
  }
  const tunnel = new TcpTunnel(http, sink);
  const request = [{ name: ':method', value: 'CONNECT' }, { name: ':authority', value: authority }, ...fields];
  const stream = http.openRequest(request, false, tunnel);
  if (stream < 0) return undefined;
  tunnel.stream = stream;
  return tunnel;
};

/**
 * Server: takes a request if it is a plain CONNECT.
 *
 * @returns false when it is something else, which is still to be answered
 */
export const acceptTcpRequest = (
  http: HttpConnection,
  stream: number,
  head: RequestHead,
  sink: TcpProxySink,
): boolean => {
  if (head.method !== 'CONNECT' || head.protocol !== undefined) return false;
  const target = parseAuthority(head.authority ?? '');
  if (target === undefined) {
    http.cancel(stream, Http3ErrorCode.messageError);
    return true;
  }
  const tunnel = new TcpTunnel(http, sink);
  tunnel.stream = stream;
  http.attach(stream, tunnel);
  sink.tcpWanted(tunnel, target, head);
  return true;
};
