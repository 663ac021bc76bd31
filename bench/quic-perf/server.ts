import { nowUs } from '#host/clock/clock.ts';
import { HandshakeDesk } from '#host/tls/handshake-desk.ts';
import { createTlsServerPort } from '#host/tls/tls-port.ts';
import { formatAddress } from '#host/udp/address.ts';
import { QuietConnection } from '#interop/ours/quiet-connection.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { openEndpoint, type PerfEndpoint, SERVER_GROUPS } from './endpoint.ts';
import {
  ALPN,
  BAD_REQUEST,
  DATAGRAM_BYTES,
  decodeRequest,
  encodeCount,
  encodeRequest,
  REQUEST_BYTES,
  ROUND_BYTES,
} from './request.ts';

export interface ServerOptions {
  readonly address: string;
  readonly port: number;
  /** PEM files. */
  readonly certificate: string;
  readonly key: string;
  readonly controller: string;
  /** Key exchanges in OpenSSL's syntax; default `SERVER_GROUPS`. */
  readonly groups?: string;
  /** 0: handshakes are done where connections are. */
  readonly handshakeThreads?: number;
}

/** Bytes to send come from here, whatever they are asked for. */
const CHUNK = new Uint8Array(1 << 20);
const ROUND = encodeRequest('R', 0, ROUND_BYTES);

/** A stream of DATAGRAMs that is under way, and the request that it answers. */
type Flood = { readonly stream: number; readonly untilUs: number; sent: number };

/** Answers what one client asks. */
class PerfServer extends QuietConnection {
  /** The first bytes of requests that came in pieces. */
  readonly #begun = new Map<number, Uint8Array>();
  readonly #left = new Map<number, number>();
  #flood: Flood | undefined;

  override streamData(
    connection: QuicConnection,
    stream: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void {
    connection.consume(stream, end - start);
    const before = this.#begun.size > 0 ? this.#begun.get(stream) : undefined;
    let head = buffer.subarray(start, Math.min(end, start + REQUEST_BYTES));
    if (before !== undefined && before.length < REQUEST_BYTES) head = Buffer.concat([before, head]);
    else if (before !== undefined) head = before;
    if (!fin) {
      this.#begun.set(stream, head.slice(0, REQUEST_BYTES));
      return;
    }
    this.#begun.delete(stream);
    this.#answer(connection, stream, head);
  }

  override streamReset(connection: QuicConnection, stream: number): void {
    this.#begun.delete(stream);
    connection.reset(stream, BAD_REQUEST);
  }

  override streamWritable(connection: QuicConnection, stream: number): void {
    const left = this.#left.get(stream);
    if (left === undefined) return;
    const bytes = Math.min(left, CHUNK.length);
    if (left === bytes) this.#left.delete(stream);
    else this.#left.set(stream, left - bytes);
    connection.write(stream, CHUNK.subarray(0, bytes), left === bytes);
  }

  override streamClosed(_connection: QuicConnection, stream: number): void {
    this.#left.delete(stream);
    this.#begun.delete(stream);
  }

  override datagramWritable(connection: QuicConnection): void {
    const flood = this.#flood;
    if (flood === undefined) return;
    while (connection.sendDatagram(CHUNK, 0, DATAGRAM_BYTES)) flood.sent++;
    if (nowUs() < flood.untilUs) return;
    this.#flood = undefined;
    connection.write(flood.stream, encodeCount(flood.sent), true);
  }

  #answer(connection: QuicConnection, stream: number, head: Uint8Array): void {
    const request = decodeRequest(head);
    if (request?.command === 'D') {
      this.#left.set(stream, request.value);
      this.streamWritable(connection, stream);
    } else if (request?.command === 'R') {
      connection.write(stream, ROUND, true);
    } else if (
      request?.command === 'G' &&
      this.#flood === undefined &&
      connection.maxDatagramBytes() >= DATAGRAM_BYTES
    ) {
      this.#flood = { stream, untilUs: nowUs() + request.value * 1000, sent: 0 };
      this.datagramWritable(connection);
    } else {
      // No such command, a second flood beside the first, or a client that takes no DATAGRAM of this size.
      connection.reset(stream, BAD_REQUEST);
    }
  }
}

/**
 * Serves until its driver is closed.
 *
 * @throws Error when the socket or the certificate cannot be used
 */
export const servePerf = (options: ServerOptions): PerfEndpoint => {
  const { address, port, certificate, key, controller, groups = SERVER_GROUPS, handshakeThreads = 0 } = options;
  const tls = createTlsServerPort({
    identities: [{ certificateChain: { file: certificate }, privateKey: { file: key } }],
    alpn: [ALPN],
    earlyData: true,
    groups,
    ...(handshakeThreads > 0 && { desk: new HandshakeDesk(handshakeThreads) }),
  });
  return openEndpoint(address, port, controller, { tls, accept: () => new PerfServer() });
};

/** `address:port` that a server listens at. */
export const listening = ({ socket }: PerfEndpoint): string => formatAddress(socket.localAddress());
