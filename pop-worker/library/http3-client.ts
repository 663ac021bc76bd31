import { randomInt } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { Http3Settings } from '#protocol/http3/settings.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import type { CloseInfo } from '#protocol/quic/api.ts';
import { CLIENT_CHECKS, type ClientOptions, openClient } from './client-options.ts';
import { QuicConnectionError } from './errors.ts';
import { incomingBody, outgoingBody } from './http3-body.ts';
import { fieldsOf, headersOf, SAFE_METHODS } from './http3-messages.ts';
import { PassiveHttp3Sink } from './http3-sink.ts';
import type { Inflow } from './inflow.ts';
import { type Checks, checkOptions, trueOrFalse } from './options.ts';
import type { Outflow } from './outflow.ts';
import { isSavedHttp3, resuming, type SavedSession, savedSession } from './saved-session.ts';

/** How a client of HTTP/3 begins. */
export interface Http3ClientOptions extends ClientOptions {
  /** Resumes an earlier connection to this server. */
  readonly resume?: SavedHttp3Session;
  /**
   * Returns before the handshake is complete: safe requests without content go as early data until then, which may be
   * replayed, others wait (RFC 8470).
   */
  readonly early?: boolean;
}

const CHECKS: Checks<Http3ClientOptions> = { ...CLIENT_CHECKS, resume: isSavedHttp3, early: trueOrFalse };

/** What is kept of a connection to resume it (RFC 9114 §7.2.4.2). */
export interface SavedHttp3Session extends SavedSession {
  readonly settings: Http3Settings;
}

/** An HTTP/3 connection to one server. */
export interface Http3Client {
  /**
   * As the global `fetch`, over this connection and without following redirects.
   *
   * @throws QuicConnectionError when the connection is over, TypeError for a request that HTTP/3 cannot carry
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** What to resume with, as soon as the server gave it. Never, where it gives none. */
  readonly resumable: Promise<SavedHttp3Session>;
  readonly closed: Promise<CloseInfo>;
  close(): void;
}

type Exchange = {
  readonly answered: PromiseWithResolvers<Response>;
  readonly incoming: Inflow;
  readonly outgoing: Outflow;
};

const BODILESS_STATUS = [204, 205, 304];
const TOO_EARLY = 425;
const SKIPPED = ['host', 'content-length'];

class Responses extends PassiveHttp3Sink {
  readonly ready = Promise.withResolvers<void>();
  readonly resumable = Promise.withResolvers<SavedHttp3Session>();
  readonly over = Promise.withResolvers<CloseInfo>();
  error: Error | undefined;
  isReady = false;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #waiting: (() => void)[] = [];
  #saved: SavedSession | undefined;
  #settings: Http3Settings | undefined;

  constructor() {
    super();
    // Early requests may not wait for it: they are told of the end themselves.
    this.ready.promise.catch(() => {});
  }

  override handshakeComplete: PassiveHttp3Sink['handshakeComplete'] = () => {
    this.isReady = true;
    this.ready.resolve();
  };
  override streamsAvailable: PassiveHttp3Sink['streamsAvailable'] = () => this.#retry();

  override settings: PassiveHttp3Sink['settings'] = (_http3, settings) => {
    this.#settings = settings;
    this.#save();
  };
  override ticket: PassiveHttp3Sink['ticket'] = (http3, data) => {
    this.#saved = savedSession(http3.quic, data) ?? this.#saved;
    this.#save();
  };

  override response: PassiveHttp3Sink['response'] = (_http3, stream, { status, fields }) => {
    const exchange = this.#exchanges.get(stream);
    if (exchange === undefined || status < 200) return;
    const body = BODILESS_STATUS.includes(status) ? null : exchange.incoming.readable;
    exchange.answered.resolve(new Response(body, { status, headers: headersOf(fields) }));
  };

  override body: PassiveHttp3Sink['body'] = (_http3, stream, buffer, start, end) =>
    this.#exchanges.get(stream)?.incoming.received(buffer.subarray(start, end));
  override end: PassiveHttp3Sink['end'] = (_http3, stream) => this.#exchanges.get(stream)?.incoming.end();
  override writable: PassiveHttp3Sink['writable'] = (_http3, stream) =>
    this.#exchanges.get(stream)?.outgoing.mayWrite();
  override stopSending: PassiveHttp3Sink['stopSending'] = (_http3, stream) =>
    this.#exchanges.get(stream)?.outgoing.fail(new Error('the server wants no more of the request'));

  override aborted: PassiveHttp3Sink['aborted'] = (_http3, stream, { by, code, reason }) => {
    const detail = reason === '' ? `code ${code}` : `code ${code}: ${reason}`;
    this.fail(stream, this.error ?? new Error(`the response was ended by the ${by} side (${detail})`));
  };

  override closed: PassiveHttp3Sink['closed'] = (_http3, stream) => {
    this.fail(stream, this.error ?? new Error('the request was given up'));
    this.#exchanges.delete(stream);
    this.#retry();
  };

  override connectionClosed: PassiveHttp3Sink['connectionClosed'] = (_http3, info) => {
    this.error = new QuicConnectionError(info);
    this.ready.reject(this.error);
    for (const stream of [...this.#exchanges.keys()]) this.fail(stream, this.error);
    this.over.resolve(info);
    this.#retry();
  };

  fail(stream: number, error: Error): void {
    const exchange = this.#exchanges.get(stream);
    exchange?.answered.reject(error);
    exchange?.incoming.fail(error);
    exchange?.outgoing.fail(error);
  }

  /** Opens a request as soon as the server allows one more. */
  async open(http3: Http3Connection, fields: Fields, fin: boolean): Promise<readonly [number, Exchange]> {
    for (;;) {
      if (this.error !== undefined) throw this.error;
      const stream = http3.openRequest(fields, fin);
      if (stream >= 0) {
        const exchange = {
          answered: Promise.withResolvers<Response>(),
          incoming: incomingBody(http3, stream),
          outgoing: outgoingBody(http3, stream),
        };
        this.#exchanges.set(stream, exchange);
        return [stream, exchange];
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #save(): void {
    const settings = this.#settings;
    if (this.#saved !== undefined && settings !== undefined) this.resumable.resolve({ ...this.#saved, settings });
  }

  #retry(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/**
 * RFC 8470 §4: early data is for requests that may be done twice; others wait until the handshake is complete. §5.2: what the
 * server finds too early (425) is asked again then.
 */
const fetchOver = async (http3: Http3Connection, responses: Responses, request: Request): Promise<Response> => {
  request.signal.throwIfAborted();
  const early = !responses.isReady;
  if (!early) return send(http3, responses, request);
  const again = SAFE_METHODS.includes(request.method) && request.body === null ? request.clone() : undefined;
  if (again === undefined) await responses.ready.promise;
  const response = await send(http3, responses, request);
  if (again === undefined || response.status !== TOO_EARLY) return response;
  await response.body?.cancel();
  await responses.ready.promise;
  return send(http3, responses, again);
};

const send = async (http3: Http3Connection, responses: Responses, request: Request): Promise<Response> => {
  request.signal.throwIfAborted();
  const { protocol, host, pathname, search } = new URL(request.url);
  if (protocol !== 'https:') throw new TypeError(`HTTP/3 carries https, not ${protocol}`);
  const fields = [
    { name: ':method', value: request.method },
    { name: ':scheme', value: 'https' },
    { name: ':authority', value: host },
    { name: ':path', value: pathname + search },
    ...fieldsOf(request.headers, SKIPPED),
  ];
  const [stream, { answered, outgoing }] = await responses.open(http3, fields, request.body === null);
  const abort = (): void => {
    responses.fail(stream, request.signal.reason as Error);
    http3.cancel(stream, Http3ErrorCode.requestCancelled);
  };
  request.signal.addEventListener('abort', abort, { once: true });
  // A response may come although the server wanted no more of the request (RFC 9114 §4.1).
  request.body?.pipeTo(outgoing.writable).catch(() => undefined);
  return answered.promise;
};

/**
 * Connects to an HTTP/3 server. The connection has a socket of its own, which is closed with it.
 *
 * @throws RangeError for an option that is wrong, QuicConnectionError when no handshake is had, Error when the name is not found
 */
export const connectHttp3 = async (options: Http3ClientOptions): Promise<Http3Client> => {
  checkOptions(options, CHECKS, ['host', 'port']);
  const { host, serverName = host, resume, early = false } = options;
  const responses = new Responses();
  const settings = { grease: randomInt(2 ** 40), ...(early && resume && { remembered: resume.settings }) };
  const http3 = await openClient(options, (bound, remote) => {
    const binding = new Http3Binding((quic) => {
      const made = new Http3Connection(quic, responses, settings);
      made.observer = bound.observerOf(quic);
      return made;
    });
    const whom = { remote, serverName, alpn: ['h3'], sink: binding, ...resuming(resume, early) };
    const bindable = bound.endpoint.connect(whom, nowUs());
    void responses.over.promise.then(() => bound.close());
    return binding.bind(bindable);
  });
  if (early && resume) http3.start();
  else await responses.ready.promise;
  return {
    fetch: (input, init) => fetchOver(http3, responses, new Request(input, init)),
    resumable: responses.resumable.promise,
    closed: responses.over.promise,
    close: () => http3.close(),
  };
};
