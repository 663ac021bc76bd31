import { randomInt } from 'node:crypto';
import type { TlsServerContextOptions } from '#host/tls/context.ts';
import { createTlsServerPort } from '#host/tls/tls-port.ts';
import { formatHost } from '#host/udp/address.ts';
import { addressPort } from '#protocol/address.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import { BoundEndpoint, type CommonOptions } from './endpoint.ts';
import { incomingBody, outgoingBody } from './http3-body.ts';
import { fieldsOf, headersOf, SAFE_METHODS } from './http3-messages.ts';
import { PassiveHttp3Sink } from './http3-sink.ts';
import type { Inflow } from './inflow.ts';
import type { Outflow } from './outflow.ts';

/** Answers a request; what a Hono application calls `fetch`. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** Where, as whom and with what a server answers. */
export interface Http3ServerOptions extends CommonOptions, Omit<TlsServerContextOptions, 'alpn'> {
  /** IP address of this machine. Default `::`, which takes IPv4 too. */
  readonly address?: string;
  /** UDP port; 0: any that is free. */
  readonly port: number;
  readonly fetch: FetchHandler;
  /** Is told what a handler threw; the client is told 500. */
  readonly onError?: (error: unknown, request: Request) => void;
}

/** An HTTP/3 server on one UDP socket. */
export interface Http3Server {
  readonly address: string;
  readonly port: number;
  /** Closes all connections and the socket. */
  close(): Promise<void>;
}

const BODILESS_METHODS = ['GET', 'HEAD'];
const BODILESS_STATUS = [204, 205, 304];
const NOT_IMPLEMENTED = 501;
const BAD_REQUEST = 400;
const INTERNAL_ERROR = 500;

type Exchange = { readonly incoming: Inflow; readonly outgoing: Outflow; readonly gone: AbortController };

const unwanted = (): Error => new Error('the client wants no more of the response');

/** The requests of one connection. */
class Requests extends PassiveHttp3Sink {
  readonly #options: Http3ServerOptions;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #confirmed = Promise.withResolvers<void>();
  #isConfirmed = false;

  constructor(options: Http3ServerOptions) {
    super();
    this.#options = options;
  }

  override handshakeConfirmed: PassiveHttp3Sink['handshakeConfirmed'] = () => {
    this.#isConfirmed = true;
    this.#confirmed.resolve();
  };

  override request: PassiveHttp3Sink['request'] = (http3, stream, head) => {
    const exchange = {
      incoming: incomingBody(http3, stream),
      outgoing: outgoingBody(http3, stream),
      gone: new AbortController(),
    };
    this.#exchanges.set(stream, exchange);
    void this.#answer(http3, stream, head, exchange);
  };

  override body: PassiveHttp3Sink['body'] = (_http3, stream, buffer, start, end) =>
    this.#exchanges.get(stream)?.incoming.received(buffer.subarray(start, end));
  override end: PassiveHttp3Sink['end'] = (_http3, stream) => this.#exchanges.get(stream)?.incoming.end();
  override aborted: PassiveHttp3Sink['aborted'] = (_http3, stream, { reason }) =>
    this.#exchanges.get(stream)?.incoming.fail(new Error(`the client gave the request up: ${reason}`));
  override stopSending: PassiveHttp3Sink['stopSending'] = (_http3, stream) =>
    this.#exchanges.get(stream)?.outgoing.fail(unwanted());
  override writable: PassiveHttp3Sink['writable'] = (_http3, stream) =>
    this.#exchanges.get(stream)?.outgoing.mayWrite();

  override closed: PassiveHttp3Sink['closed'] = (_http3, stream) => {
    const exchange = this.#exchanges.get(stream);
    exchange?.outgoing.fail(unwanted());
    exchange?.gone.abort();
    this.#exchanges.delete(stream);
  };

  async #answer(http3: Http3Connection, stream: number, head: RequestHead, exchange: Exchange): Promise<void> {
    const status = (code: number): void => void http3.respond(stream, [{ name: ':status', value: String(code) }], true);
    if (head.method === 'CONNECT') return status(NOT_IMPLEMENTED);
    // Whatever changes something waits until nobody can have replayed it (RFC 8470 §3).
    if (!this.#isConfirmed && !SAFE_METHODS.includes(head.method)) await this.#confirmed.promise;
    const request = requestOf(head, exchange, !this.#isConfirmed);
    if (request === undefined) return status(BAD_REQUEST);
    let response: Response;
    try {
      response = await this.#options.fetch(request);
    } catch (error) {
      this.#options.onError?.(error, request);
      return status(INTERNAL_ERROR);
    }
    await this.#respond(http3, stream, request, response, exchange);
  }

  async #respond(http3: Http3Connection, stream: number, request: Request, response: Response, { outgoing }: Exchange) {
    const bodiless = request.method === 'HEAD' || response.body === null || BODILESS_STATUS.includes(response.status);
    const fields = [{ name: ':status', value: String(response.status) }, ...fieldsOf(response.headers)];
    if (!http3.respond(stream, fields, bodiless)) return;
    // A client that wants no more of the request's content may be told so (RFC 9114 §4.1).
    if (!request.bodyUsed) http3.stopReading(stream, Http3ErrorCode.noError);
    if (bodiless || response.body === null) return;
    await response.body.pipeTo(outgoing.writable).catch((error: unknown) => this.#options.onError?.(error, request));
  }
}

/** @returns undefined: it has no form as a `Request` */
const requestOf = (head: RequestHead, { incoming, gone }: Exchange, early: boolean): Request | undefined => {
  const headers = headersOf(head.fields);
  if (early) headers.set('early-data', '1');
  const hasBody = !BODILESS_METHODS.includes(head.method);
  try {
    return new Request(`${head.scheme}://${head.authority}${head.path}`, {
      method: head.method,
      headers,
      signal: gone.signal,
      ...(hasBody && { body: incoming.readable, duplex: 'half' as const }),
    });
  } catch {
    return undefined;
  }
};

/**
 * Serves HTTP/3 (RFC 9114) with a handler of web-standard requests.
 *
 * @throws Error when the address cannot be had or the certificate cannot be used
 */
export const serveHttp3 = (options: Http3ServerOptions): Http3Server => {
  const connections = new Set<Http3Connection>();
  const accept = (): Http3Binding => {
    const requests = new Requests(options);
    return new Http3Binding((quic) => {
      const http3 = new Http3Connection(quic, requests, { grease: randomInt(2 ** 40), enableConnectProtocol: false });
      connections.add(http3);
      requests.connectionClosed = () => void connections.delete(http3);
      return http3;
    });
  };
  const tls = createTlsServerPort({ ...options, alpn: ['h3'] });
  const bound = new BoundEndpoint(options.address ?? '::', options.port, options, { tls, accept });
  const local = bound.socket.localAddress();
  return {
    address: formatHost(local),
    port: addressPort(local),
    close: async () => {
      for (const http3 of connections) http3.close();
      await bound.close();
    },
  };
};
