import { Http3Connection } from '#protocol/http3/connection.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { DevicePast } from '#protocol/mesh/presence/ticket-age.ts';
import type { ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import type { Admission, Admitted } from '../admission.ts';
import { type DeviceTicket, readDeviceTicket, writeDeviceTicket } from './device-ticket.ts';
import { EarlyWelcome } from './early-welcome.ts';
import { Epochs } from './epochs.ts';
import { HeldBytes, HeldEarly } from './held-early.ts';
import { KeptTls } from './kept-tls.ts';

interface TicketsParts {
  readonly admission: Pick<Admission, 'objection'>;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Of any steady clock. */
  readonly nowSeconds: () => number;
}

const quicOf = (http: HttpConnection): QuicConnection | undefined =>
  http instanceof Http3Connection ? http.quic : undefined;

/**
 * Tickets of devices in a fleet: what a worker writes into them once the mesh has said in which epoch a device is there, what
 * one says of a device that comes, and which early data is welcome.
 */
export class Tickets {
  readonly epochs = new Epochs();
  readonly held = new HeldBytes();
  readonly welcome: EarlyWelcome;
  /** Tickets with an epoch that were given; handshakes whose early data was taken. */
  readonly counters = { given: 0, taken: 0 };
  readonly #parts: TicketsParts;
  readonly #kept = new KeptTls();
  readonly #shown = new WeakMap<QuicConnection, DeviceTicket>();

  constructor(parts: TicketsParts) {
    this.#parts = parts;
    const { admission, nowMs } = parts;
    this.welcome = new EarlyWelcome({ admission, nowMs, epochs: this.epochs, hasRoom: () => this.held.hasRoom });
  }

  /** Around the sink of a connection that a client opens. */
  around(inner: ConnectionSink): ConnectionSink {
    return new HeldEarly(inner, this.held);
  }

  handshakeComplete({ quic }: Http3Connection, { ticketData, earlyData }: HandshakeInfo): void {
    if (earlyData === 'accepted') this.counters.taken++;
    const ticket = ticketData && readDeviceTicket(ticketData);
    if (ticket !== undefined) this.#shown.set(quic, ticket);
    this.#kept.keep(quic, this.#parts.nowSeconds());
  }

  closed({ quic }: Http3Connection): void {
    this.#kept.closed(quic);
  }

  /** Where a device was, by the ticket that its connection was resumed by; undefined: that was of none, or of another device. */
  pastOf(http: HttpConnection, { tenant, device }: Pick<Admitted, 'tenant' | 'device'>): DevicePast | undefined {
    const quic = quicOf(http);
    const ticket = quic && this.#shown.get(quic);
    if (ticket?.tenant !== tenant || ticket.device !== device) return undefined;
    const { epoch, member } = ticket;
    return { epoch, member };
  }

  /** A device is here, since that epoch: it gets a ticket that says so. */
  give(http: HttpConnection, { tenant, device, tokenId, expiresAt }: Admitted, place: DevicePast): void {
    const quic = quicOf(http);
    const data = writeDeviceTicket({ tenant, device, tokenId, expiresAt, ...place });
    if (quic !== undefined && this.#kept.give(quic, data) && data !== undefined) this.counters.given++;
  }

  tick(): void {
    const now = this.#parts.nowSeconds();
    this.epochs.tick(now);
    this.#kept.tick(now);
  }
}
