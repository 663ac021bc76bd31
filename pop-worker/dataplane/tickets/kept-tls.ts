import type { QuicConnection } from '#protocol/quic/api.ts';

/** A device that asks for its tunnel has it settled in half a second (`protocol/mesh`), and a bit of time to ask. */
const KEPT_SECONDS = 5;

/** Of a thread, some 24 KB each; of more the oldest are let go. */
export const MOST_KEPT = 1024;

/** Connections whose TLS is kept for a last ticket, each for some seconds at most: a device that says nothing costs no more. */
export class KeptTls {
  /** In the order of their being confirmed. */
  readonly #until = new Map<QuicConnection, number>();

  get size(): number {
    return this.#until.size;
  }

  /** A handshake is confirmed. @param now seconds of any steady clock */
  keep(quic: QuicConnection, now: number): void {
    this.#until.set(quic, now + KEPT_SECONDS);
    if (this.#until.size <= MOST_KEPT) return;
    for (const oldest of this.#until.keys()) {
      this.give(oldest, undefined);
      return;
    }
  }

  /** @returns whether it was still kept */
  give(quic: QuicConnection, data: Uint8Array | undefined): boolean {
    if (!this.#until.delete(quic)) return false;
    quic.lastTicket(data);
    return true;
  }

  closed(quic: QuicConnection): void {
    this.#until.delete(quic);
  }

  tick(now: number): void {
    for (const [quic, until] of this.#until) {
      if (until > now) return;
      this.give(quic, undefined);
    }
  }
}
