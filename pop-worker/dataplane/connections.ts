import { randomInt } from 'node:crypto';
import type { Http3Sink } from '#protocol/http3/api.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { Http3Observer } from '#protocol/http3/observer.ts';
import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import type { Faults } from './faults.ts';
import type { ConnectionEvents } from './masque/edge-requests.ts';
import { QpackCounting, type QpackTotals } from './qpack-totals.ts';

/** A bit more than a round trip: requests that were on their way when GOAWAY left have come by then. */
const GOAWAY_FINAL_MS = 500;

/** The HTTP/3 connections of a thread: lets them in, counts them, tells them to go. */
export class Connections implements ConnectionEvents {
  readonly #faults: Faults;
  readonly #observerOf: (quic: QuicConnection) => Http3Observer | undefined;
  readonly #live = new Set<Http3Connection>();
  #draining = false;
  /** Handshakes, and how connections ended. */
  readonly counters = {
    handshakes: 0,
    resumed: 0,
    failedHandshakes: 0,
    closedBy: { local: 0, remote: 0, idle: 0, reset: 0, version: 0 } satisfies Record<CloseInfo['by'], number>,
    datagramsWithoutStream: 0,
    datagramsNotSent: 0,
  };
  readonly #qpack = new QpackCounting();
  readonly #complete = new WeakSet<Http3Connection>();

  /** @param observerOf who is to see the frames of a connection */
  constructor(faults: Faults, observerOf: (quic: QuicConnection) => Http3Observer | undefined = () => undefined) {
    this.#faults = faults;
    this.#observerOf = observerOf;
  }

  get size(): number {
    return this.#live.size;
  }

  /** A sink for a connection that a client opens; undefined while draining. */
  accept(requests: Http3Sink): ConnectionSink | undefined {
    if (this.#draining) return undefined;
    return new Http3Binding((quic) => {
      const http3 = new Http3Connection(quic, requests, { grease: randomInt(2 ** 40) });
      http3.observer = this.#observerOf(quic);
      this.#live.add(http3);
      return http3;
    });
  }

  handshakeComplete(http3: Http3Connection, info: HandshakeInfo): void {
    this.#complete.add(http3);
    this.counters.handshakes++;
    if (info.resumed) this.counters.resumed++;
  }

  connectionClosed(http3: Http3Connection, info: CloseInfo): void {
    const { counters } = this;
    this.#live.delete(http3);
    counters.closedBy[info.by]++;
    if (!this.#complete.has(http3)) counters.failedHandshakes++;
    counters.datagramsWithoutStream += http3.counters.receivedWithoutStream;
    counters.datagramsNotSent += http3.counters.notSent;
    this.#qpack.over(http3);
  }

  /** What header compression did, and what it keeps. */
  qpack(): QpackTotals {
    return this.#qpack.totals(this.#live);
  }

  /** HTTP Datagrams that came to nothing, those of live connections included. */
  lostDatagrams(): { withoutStream: number; notSent: number } {
    let { datagramsWithoutStream: withoutStream, datagramsNotSent: notSent } = this.counters;
    for (const { counters } of this.#live) {
      withoutStream += counters.receivedWithoutStream;
      notSent += counters.notSent;
    }
    return { withoutStream, notSent };
  }

  /** No new connections; those there are told by GOAWAY to go (RFC 9114 §5.2). */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#forEach((http3) => http3.shutdown(false));
    setTimeout(() => {
      if (this.#draining) this.#forEach((http3) => http3.shutdown(true));
    }, GOAWAY_FINAL_MS).unref();
  }

  undrain(): void {
    this.#draining = false;
  }

  /** Those whose requests would all be refused from now on, whether or not they have any. */
  closeWhere(matches: (http3: Http3Connection) => boolean, reason: string): void {
    this.#forEach((http3) => {
      if (matches(http3)) http3.close(Http3ErrorCode.requestRejected, reason);
    });
  }

  closeAll(reason: string): void {
    this.#draining = true;
    this.#forEach((http3) => http3.close(Http3ErrorCode.noError, reason));
  }

  /** Who is to see their frames has changed. */
  observeAll(): void {
    for (const http3 of this.#live) http3.observer = this.#observerOf(http3.quic);
  }

  #forEach(act: (http3: Http3Connection) => void): void {
    for (const http3 of [...this.#live]) this.#faults.guard('connection', () => act(http3));
  }
}
