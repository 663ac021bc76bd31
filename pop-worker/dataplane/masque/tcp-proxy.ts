import { connect, type Socket } from 'node:net';
import type { Abort } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import type { TcpProxySink, TcpTunnel } from '#protocol/masque/connect-tcp.ts';
import type { ProxyError } from '#protocol/masque/proxy-status.ts';
import type { Target } from '#protocol/masque/target.ts';
import type { LiveTunnel, TunnelHolder } from '../endings.ts';
import type { Faults } from '../faults.ts';
import type { Granted, Targets } from './targets.ts';
import { TcpWriter } from './tcp-writer.ts';

/** Bytes towards the client at which reading from TCP pauses. */
const HIGH_WATER = 512 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;

const ERRORS: Readonly<Record<string, ProxyError>> = {
  ECONNREFUSED: 'connection_refused',
  EHOSTUNREACH: 'destination_ip_unroutable',
  ENETUNREACH: 'destination_ip_unroutable',
  ETIMEDOUT: 'connection_timeout',
};

interface Connection extends LiveTunnel {
  readonly socket: Socket;
  readonly writer: TcpWriter;
}

/** TCP connections on behalf of devices (plain CONNECT, RFC 9114 §4.4). */
export class TcpProxy implements TcpProxySink, TunnelHolder {
  readonly #targets: Targets;
  readonly #proxyName: string;
  readonly #faults: Faults;
  readonly #connections = new Map<TcpTunnel, Connection>();

  constructor(targets: Targets, proxyName: string, faults: Faults) {
    this.#faults = faults;
    this.#targets = targets;
    this.#proxyName = proxyName;
  }

  get size(): number {
    return this.#connections.size;
  }

  tcpWanted(tunnel: TcpTunnel, target: Target, head: RequestHead): void {
    this.#faults.settle(
      this.#targets.grant(target, head, tunnel.http),
      (granted) => {
        if ('error' in granted) tunnel.refuse(this.#proxyName, granted);
        else if (tunnel.state === 'waiting') this.#connect(tunnel, granted);
        else granted.release();
      },
      () => this.#break(tunnel),
    );
  }

  /** Ends a tunnel that a bug was met in, whether or not it is open. */
  #break(tunnel: TcpTunnel): void {
    tunnel.refuse(this.#proxyName, { error: 'proxy_internal_error' });
    tunnel.fail('internal error', Http3ErrorCode.internalError);
  }

  #connect(tunnel: TcpTunnel, { admitted, destination, port, release }: Granted): void {
    // Half-open: each direction ends by itself.
    const socket = connect({ host: formatIpAddress(destination), port, allowHalfOpen: true, noDelay: true });
    const end = (reason: string): void => tunnel.fail(reason, Http3ErrorCode.requestRejected);
    // The peer may send on only when TCP has taken what it sent.
    const writer = new TcpWriter(socket, (bytes) => this.#step(tunnel, () => tunnel.consumed(bytes)));
    this.#connections.set(tunnel, { admitted, destination, end, socket, writer });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    socket.on('connect', () => {
      socket.setTimeout(0);
      this.#step(tunnel, () => tunnel.accept());
    });
    socket.on('data', (chunk) => this.#step(tunnel, () => this.#fromTarget(tunnel, socket, chunk)));
    socket.on('end', () => this.#step(tunnel, () => tunnel.finish()));
    socket.on('error', ({ code = 'failed' }: NodeJS.ErrnoException) => {
      this.#step(tunnel, () => {
        tunnel.refuse(this.#proxyName, { error: ERRORS[code] ?? 'destination_unavailable' });
        tunnel.fail(code, Http3ErrorCode.connectError);
      });
    });
    socket.on('close', release);
  }

  /** Something that the socket called for. */
  #step(tunnel: TcpTunnel, act: () => void): void {
    this.#faults.guard('tunnel', act, () => this.#break(tunnel));
  }

  #fromTarget(tunnel: TcpTunnel, socket: Socket, chunk: Uint8Array): void {
    if (!tunnel.write(chunk)) socket.destroy();
    else if (tunnel.bufferedBytes() > HIGH_WATER) socket.pause();
  }

  live(): Iterable<LiveTunnel> {
    return this.#connections.values();
  }

  data(tunnel: TcpTunnel, buffer: Uint8Array, start: number, end: number): void {
    this.#connections.get(tunnel)?.writer.write(buffer, start, end);
  }

  peerFinished(tunnel: TcpTunnel): void {
    this.#connections.get(tunnel)?.writer.end();
  }

  writable(tunnel: TcpTunnel): void {
    this.#connections.get(tunnel)?.socket.resume();
  }

  closed(tunnel: TcpTunnel, abort: Abort | undefined): void {
    const connection = this.#connections.get(tunnel);
    this.#connections.delete(tunnel);
    if (abort === undefined) connection?.writer.end();
    else connection?.socket.resetAndDestroy();
  }

  // A proxy opens no tunnels itself.
  opened(): void {}
  refused(): void {}
}
