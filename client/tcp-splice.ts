import type { Socket } from 'node:net';
import type { Abort } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { ResponseHead } from '#protocol/http3/message.ts';
import { openTcpTunnel, type TcpTunnel, type TcpTunnelSink } from '#protocol/masque/connect-tcp.ts';
import { formatHostPort, type HostPort } from './listen.ts';
import type { TunnelSource } from './local-services.ts';
import { type EdgeRefusal, refusalOf } from './refusal.ts';

/** Bytes towards the edge at which reading from the program pauses. */
const HIGH_WATER = 512 * 1024;
/** For a connection to the edge, room for a request on it, and the edge's answer. */
export const ANSWER_MS = 15_000;

const NO_ANSWER: EdgeRefusal = {
  status: 504,
  detail: 'no answer in time',
  error: 'connection_timeout',
  retryAfterMs: undefined,
};
export const NO_CONNECTION: EdgeRefusal = {
  status: 503,
  detail: 'there is no connection to the edge at the moment',
  error: 'destination_unavailable',
  retryAfterMs: undefined,
};

export interface SpliceSink {
  /** The far end is connected: say so to the program; bytes flow afterwards. */
  opened(): void;
  /** It is not: say so and end. */
  refused(refusal: EdgeRefusal): void;
}

/** One TCP connection of a program joined with one through the edge (plain CONNECT, RFC 9114 §4.4). */
export class Splice implements TcpTunnelSink {
  readonly #socket: Socket;
  readonly #source: TunnelSource;
  readonly #sink: SpliceSink;
  readonly #timer: NodeJS.Timeout;
  #tunnel: TcpTunnel | undefined;
  #token = '';
  #decided = false;
  #flowing = false;

  constructor(socket: Socket, target: HostPort, source: TunnelSource, sink: SpliceSink) {
    this.#socket = socket;
    this.#source = source;
    this.#sink = sink;
    this.#timer = setTimeout(() => this.#refuse(NO_ANSWER), ANSWER_MS);
    socket.pause();
    socket.on('close', () => this.#gone());
    void this.#open(formatHostPort(target));
  }

  opened(): void {
    if (this.#decided) return;
    this.#decide();
    this.#flowing = true;
    this.#sink.opened();
    const socket = this.#socket;
    socket.on('data', (chunk) => this.#fromProgram(chunk));
    socket.on('end', () => this.#tunnel?.finish());
    socket.resume();
  }

  refused(_tunnel: TcpTunnel, head: ResponseHead): void {
    const refusal = refusalOf(head);
    if (refusal.status === 401) this.#source.tokenRefused(this.#token, refusal.detail);
    this.#refuse(refusal);
  }

  data(tunnel: TcpTunnel, buffer: Uint8Array, start: number, end: number): void {
    // The edge may send on only when the program has taken what it sent.
    if (this.#socket.writable) this.#socket.write(buffer.slice(start, end), () => tunnel.consumed(end - start));
    else tunnel.consumed(end - start);
  }

  peerFinished(): void {
    this.#socket.end();
  }

  writable(tunnel: TcpTunnel): void {
    if (tunnel.bufferedBytes() <= HIGH_WATER) this.#socket.resume();
  }

  closed(_tunnel: TcpTunnel, abort: Abort | undefined): void {
    this.#tunnel = undefined;
    if (!this.#decided) this.#refuse({ ...NO_CONNECTION, detail: abort?.reason ?? 'closed' });
    // Who was refused has been told, or is gone.
    else if (!this.#flowing) return;
    else if (abort === undefined) this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  async #open(authority: string): Promise<void> {
    while (!this.#decided && !this.#socket.destroyed) {
      const access = this.#source.current();
      if (access !== undefined) {
        this.#token = access.token;
        const fields = [{ name: 'proxy-authorization', value: `Bearer ${access.token}` }];
        this.#tunnel = openTcpTunnel(access.http, authority, this, fields);
        if (this.#tunnel !== undefined) return;
      }
      await this.#source.changed();
    }
  }

  #fromProgram(chunk: Buffer): void {
    const tunnel = this.#tunnel;
    if (tunnel === undefined || !tunnel.write(chunk)) this.#socket.destroy();
    else if (tunnel.bufferedBytes() > HIGH_WATER) this.#socket.pause();
  }

  #refuse(refusal: EdgeRefusal): void {
    if (this.#decided) return;
    this.#decide();
    this.#drop('given up');
    if (!this.#socket.destroyed) this.#sink.refused(refusal);
  }

  #gone(): void {
    this.#decide();
    this.#drop('the program closed its connection');
  }

  #decide(): void {
    this.#decided = true;
    clearTimeout(this.#timer);
  }

  #drop(reason: string): void {
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    tunnel?.fail(reason, Http3ErrorCode.requestCancelled);
  }
}
