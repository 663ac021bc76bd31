import type { Socket } from 'node:net';
import { parseAuthority } from '#protocol/masque/target.ts';
import { fieldOf, type HttpHead, parseHead } from './http-head.ts';
import { type HostPort, listen } from './listen.ts';
import type { LocalCredentials, LocalService, TunnelSource } from './local-services.ts';
import { ProgramConnection } from './program-connection.ts';
import type { EdgeRefusal } from './refusal.ts';
import { sameSecret } from './same-secret.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** RFC 9110 §7.6.1: fields of one connection only, and those that are for this proxy. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'keep-alive',
  'te',
  'upgrade',
]);

const response = (status: number, text: string): string => {
  const body = `${text}\n`;
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="cloudbridge"\r\n' : '';
  const length = Buffer.byteLength(body);
  return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n${challenge}Connection: close\r\n\r\n${body}`;
};

/** A 401 or 500 of the edge is not the program's: to it this proxy is the gateway. */
const statusFor = ({ status }: EdgeRefusal): number =>
  status === 403 || status === 503 || status === 504 ? status : 502;

export interface ProxyRequest {
  readonly target: HostPort;
  /** What goes to the target before everything else; absent with CONNECT. */
  readonly head: string | undefined;
}

/** The request as its target must see it: origin form, one request a connection (RFC 9112 §3.2.1, §9.6). */
const rewrite = (head: HttpHead, url: URL): string => {
  const named = new Set(
    head.fields
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.toLowerCase().split(','))
      .map((name) => name.trim()),
  );
  const kept = head.fields.filter(([name]) => {
    const lower = name.toLowerCase();
    // RFC 9112 §3.2.2: the target's authority goes before what Host says.
    return lower !== 'host' && !HOP_BY_HOP.has(lower) && !named.has(lower);
  });
  const lines = [['Host', url.host], ...kept, ['Connection', 'close']].map(([name, value]) => `${name}: ${value}\r\n`);
  return `${head.method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

/** @returns where a request leads, or the status and the sentence to refuse it with */
export const routeRequest = (head: HttpHead): ProxyRequest | readonly [status: number, text: string] => {
  if (head.method === 'CONNECT') {
    const target = parseAuthority(head.target);
    return target === undefined
      ? [400, 'CONNECT takes HOST:PORT.']
      : { target: { host: target.host, port: target.port }, head: undefined };
  }
  if (head.target.startsWith('/') || head.target === '*') return [400, 'This is a proxy: ask it for absolute URLs.'];
  const url = URL.parse(head.target);
  if (url === null || url.hostname === '') return [400, 'The request target is no URL.'];
  if (url.protocol !== 'http:') return [501, 'Only http URLs are fetched; use CONNECT for the others.'];
  if (url.username !== '' || url.password !== '') return [400, 'URLs must not hold credentials.'];
  const target = parseAuthority(`${url.hostname}:${url.port === '' ? 80 : url.port}`);
  if (target === undefined) return [400, 'The URL has no host that could be reached.'];
  return { target: { host: target.host, port: target.port }, head: rewrite(head, url) };
};

/** RFC 7617 §2. */
const isAuthorized = (head: HttpHead, { user, password }: LocalCredentials): boolean => {
  const encoded = /^Basic[ ]+([A-Za-z0-9+/]+={0,2})$/i.exec(fieldOf(head, 'proxy-authorization') ?? '')?.[1] ?? '';
  return sameSecret(Buffer.from(encoded, 'base64').toString(), `${user}:${password}`);
};

/** One connection of a program that uses an HTTP proxy. */
class ProxyConnection {
  readonly #socket: Socket;
  readonly #source: TunnelSource;
  readonly #credentials: LocalCredentials | undefined;
  readonly #program: ProgramConnection;

  constructor(socket: Socket, source: TunnelSource, credentials: LocalCredentials | undefined) {
    this.#socket = socket;
    this.#source = source;
    this.#credentials = credentials;
    this.#program = new ProgramConnection(socket, () => this.#take());
  }

  #take(): void {
    const head = parseHead(this.#program.bytes);
    if (head === 'more') return;
    this.#program.complete();
    if (typeof head === 'number') this.#refuse(head, 'The request cannot be read.');
    else if (this.#credentials !== undefined && !isAuthorized(head, this.#credentials))
      this.#refuse(407, 'User name and password are wanted.');
    else this.#route(head);
  }

  #route(head: HttpHead): void {
    const request = routeRequest(head);
    if (!('target' in request)) {
      this.#refuse(...request);
      return;
    }
    const isConnect = request.head === undefined;
    this.#program.consume(head.bytes, isConnect ? undefined : Buffer.from(request.head, 'latin1'));
    this.#program.splice(request.target, this.#source, {
      opened: () => isConnect && this.#socket.write('HTTP/1.1 200 Connection established\r\n\r\n'),
      refused: (refusal) => this.#refuse(statusFor(refusal), `The edge does not connect: ${refusal.detail}.`),
    });
  }

  #refuse(status: number, text: string): void {
    this.#program.refuse(response(status, text));
  }
}

/** An HTTP proxy for programs on this machine: CONNECT, and http URLs in absolute form. */
export const openHttpProxy = (
  at: HostPort,
  source: TunnelSource,
  credentials: LocalCredentials | undefined,
): Promise<LocalService> =>
  listen(at, 'http', 'HTTP proxy', (socket) => {
    new ProxyConnection(socket, source, credentials);
  });
