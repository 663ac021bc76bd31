import type { NatsConnection } from '@nats-io/nats-core';

/**
 * Says when the connection to NATS is there again. A server that was restarted has forgotten who was listening; the client
 * library finds that out by missing heartbeats only, which takes a minute.
 */
export class Reconnects {
  readonly #listeners = new Set<() => void>();

  constructor(nats: NatsConnection) {
    void this.#follow(nats);
  }

  /** @returns how to stop */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends with the connection. */
  async #follow(nats: NatsConnection): Promise<void> {
    for await (const { type } of nats.status()) {
      if (type === 'reconnect') for (const listener of this.#listeners) listener();
    }
  }
}
