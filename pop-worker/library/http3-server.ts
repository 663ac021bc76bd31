import { randomInt } from 'node:crypto';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import { incomingBody, outgoingBody } from './http3-body.ts';
import { fieldsOf, headersOf, SAFE_METHODS } from './http3-messages.ts';
import { PassiveHttp3Sink } from './http3-sink.ts';
import type { Inflow } from './inflow.ts';
import { type Checks, checkOptions, isFunction } from './options.ts';
import type { Outflow } from './outflow.ts';
import { type Listening, openServer, SERVER_CHECKS, type ServerOptions } from './server-options.ts';

/** Answers a request; what a Hono application calls `fetch`. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** With what a server answers. */
export interface Http3ServerOptions extends ServerOptions {
  readonly fetch: FetchHandler;
  /**
   * Is told what a handler threw, or gave instead of a response that can be sent: the client is told 500. Also why the
   * content of a response ended early.
   */
  readonly onError?: (error: unknown, request: Request) => void;
}

/** An HTTP/3 server on one UDP socket. */
export interface Http3Server extends Listening {
  /** Closes all connections and the socket. */
  close(): Promise<void>;
}

const CHECKS: Checks<Http3ServerOptions> = { ...SERVER_CHECKS, fetch: isFunction, onError: isFunction };

const BODILESS_METHODS = ['GET', 'HEAD'];
const BODILESS_STATUS = [204, 205, 304];
const NOT_IMPLEMENTED = 501;
const BAD_REQUEST = 400;
const INTERNAL_ERROR = 500;

type Exchange = { readonly incoming: Inflow; readonly outgoing: Outflow; readonly gone: AbortController };

const notSent = (): Error => new Error('the response to this request has no content (RFC 9110 §6.4.1)');
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
    this.#answer(http3, stream, head, exchange).catch(() => http3.cancel(stream, Http3ErrorCode.internalError));
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
    const status = (code: number): void => {
      http3.respond(stream, [{ name: ':status', value: String(code) }], true);
      http3.stopReading(stream, Http3ErrorCode.noError);
    };
    if (head.method === 'CONNECT') return status(NOT_IMPLEMENTED);
    // Whatever changes something waits until nobody can have replayed it (RFC 8470 §3).
    if (!this.#isConfirmed && !SAFE_METHODS.includes(head.method)) await this.#confirmed.promise;
    const request = requestOf(head, exchange, !this.#isConfirmed);
    if (request === undefined) return status(BAD_REQUEST);
    let response: Response;
    try {
      response = await this.#options.fetch(request);
      if (!this.#respond(http3, stream, request, response)) return;
    } catch (error) {
      status(INTERNAL_ERROR);
      this.#options.onError?.(error, request);
      return;
    }
    const { body } = response;
    const over = isBodiless(request, response) ? body?.cancel(notSent()) : body?.pipeTo(exchange.outgoing.writable);
    await over?.catch((error: unknown) => this.#options.onError?.(error, request));
    // Only now: the response may have been made of the request's content (RFC 9114 §4.1).
    if (!request.bodyUsed && request.body?.locked !== true) http3.stopReading(stream, Http3ErrorCode.noError);
  }

  /** Sends the head. @returns false: nobody wants it any more @throws TypeError for what is no response */
  #respond(http3: Http3Connection, stream: number, request: Request, response: Response): boolean {
    const wrong = unsendable(response);
    if (wrong !== undefined) throw new TypeError(`the handler must return a Response, not ${wrong}`);
    const fields = [{ name: ':status', value: String(response.status) }, ...fieldsOf(response.headers)];
    return http3.respond(stream, fields, isBodiless(request, response));
  }
}

const isBodiless = ({ method }: Request, { body, status }: Response): boolean =>
  method === 'HEAD' || body === null || BODILESS_STATUS.includes(status);

/** @returns what is wrong with what a handler returned; other classes than the global one are welcome */
const unsendable = (response: Response | undefined): string | undefined => {
  const { status, headers } = Object(response) as Partial<Response>;
  if (response === undefined || status === undefined || headers === undefined)
    return response === null ? 'null' : typeof response;
  if (status === 0) return 'Response.error(), which stands for no answer';
  if (response.bodyUsed || response.body?.locked === true) return 'one whose body is used already';
  return undefined;
};

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
 * @throws RangeError for an option that is wrong, Error when the address cannot be had or the certificate cannot be used
 */
export const serveHttp3 = (options: Http3ServerOptions): Http3Server => {
  checkOptions(options, CHECKS, ['port', 'identities', 'fetch']);
  const connections = new Set<Http3Connection>();
  const accept = (): Http3Binding => {
    const requests = new Requests(options);
    return new Http3Binding((quic) => {
      const http3 = new Http3Connection(quic, requests, { grease: randomInt(2 ** 40), enableConnectProtocol: false });
      http3.observer = bound.observerOf(quic);
      connections.add(http3);
      requests.connectionClosed = () => void connections.delete(http3);
      return http3;
    });
  };
  const { bound, listening, close } = openServer(options, ['h3'], accept);
  return {
    ...listening,
    close: () =>
      close(() => {
        for (const http3 of connections) http3.close();
      }),
  };
};
