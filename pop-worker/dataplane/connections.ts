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
import type { Tickets } from './tickets/tickets.ts';

/** A bit more than a round trip: requests that were on their way when GOAWAY left have come by then. */
const GOAWAY_FINAL_MS = 500;
/**
 * They are told one after the other, so that each finds the next worker at leisure: so far apart at most, and all of them within so
 * long.
 */
const GOAWAY_APART_MS = 50;
const GOAWAY_ALL_MS = 5000;
const GOAWAY_TURN_MS = 10;

/** The HTTP/3 connections of a thread: lets them in, counts them, tells them to go. */
export class Connections implements ConnectionEvents {
  readonly #faults: Faults;
  readonly #observerOf: (quic: QuicConnection) => Http3Observer | undefined;
  readonly #live = new Set<Http3Connection>();
  #draining = false;
  /** Who is still to be told to go. */
  #goaways: NodeJS.Timeout | undefined;
  /** Handshakes, and how connections ended. */
  readonly counters = {
    handshakes: 0,
    resumed: 0,
    failedHandshakes: 0,
    closedBy: { local: 0, remote: 0, idle: 0, reset: 0, version: 0 } satisfies Record<CloseInfo['by'], number>,
    datagramsWithoutStream: 0,
    datagramsNotSent: 0,
  };
  readonly #tickets: Tickets | undefined;
  readonly #qpack = new QpackCounting();
  readonly #complete = new WeakSet<Http3Connection>();

  /** @param observerOf who is to see the frames of a connection @param tickets undefined: they say nothing of devices */
  constructor(
    faults: Faults,
    observerOf: (quic: QuicConnection) => Http3Observer | undefined = () => undefined,
    tickets?: Tickets,
  ) {
    this.#faults = faults;
    this.#observerOf = observerOf;
    this.#tickets = tickets;
  }

  get size(): number {
    return this.#live.size;
  }

  /** A sink for a connection that a client opens; undefined while draining. */
  accept(requests: Http3Sink): ConnectionSink | undefined {
    if (this.#draining) return undefined;
    const binding = new Http3Binding((quic) => {
      const http3 = new Http3Connection(quic, requests, { grease: randomInt(2 ** 40) });
      http3.observer = this.#observerOf(quic);
      this.#live.add(http3);
      return http3;
    });
    return this.#tickets?.around(binding) ?? binding;
  }

  handshakeComplete(http3: Http3Connection, info: HandshakeInfo): void {
    this.#complete.add(http3);
    this.counters.handshakes++;
    if (info.resumed) this.counters.resumed++;
    this.#tickets?.handshakeComplete(http3, info);
  }

  connectionClosed(http3: Http3Connection, info: CloseInfo): void {
    const { counters } = this;
    this.#live.delete(http3);
    this.#tickets?.closed(http3);
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

  /** No new connections; those there are told by GOAWAY to go (RFC 9114 §5.2). @param withinMs all of them, five seconds at most */
  drain(withinMs: number = GOAWAY_ALL_MS): void {
    if (this.#draining) return;
    this.#draining = true;
    const waiting = [...this.#live];
    const apartMs = Math.min(GOAWAY_APART_MS, Math.min(GOAWAY_ALL_MS, withinMs) / Math.max(1, waiting.length));
    const startMs = performance.now();
    let told = 0;
    const turn = (): void => {
      const due = apartMs > 0 ? Math.floor((performance.now() - startMs) / apartMs) + 1 : waiting.length;
      for (; told < Math.min(due, waiting.length); told++) this.#goaway(waiting[told] as Http3Connection);
      if (told === waiting.length) clearInterval(this.#goaways);
    };
    this.#goaways = setInterval(turn, Math.max(GOAWAY_TURN_MS, apartMs)).unref();
    turn();
  }

  #goaway(http3: Http3Connection): void {
    const shutdown = (isFinal: boolean): void => {
      if (this.#draining && this.#live.has(http3)) this.#faults.guard('connection', () => http3.shutdown(isFinal));
    };
    shutdown(false);
    setTimeout(() => shutdown(true), GOAWAY_FINAL_MS).unref();
  }

  undrain(): void {
    this.#draining = false;
    clearInterval(this.#goaways);
  }

  /** Those whose requests would all be refused from now on, whether or not they have any. */
  closeWhere(matches: (http3: Http3Connection) => boolean, reason: string): void {
    this.#forEach((http3) => {
      if (matches(http3)) http3.close(Http3ErrorCode.requestRejected, reason);
    });
  }

  /** For ever: nobody is let in any more. */
  closeAll(reason: string): void {
    this.#draining = true;
    this.endAll(reason);
  }

  /** Those that there are. */
  endAll(reason: string): void {
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
