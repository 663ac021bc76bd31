import type { NatsConnection } from '@nats-io/nats-core';
import { OutboxRelay } from './outbox.ts';
import { RevocationSweeper } from './revocation-sweeper.ts';
import type { Stores } from './stores.ts';

/** What runs beside the API, in every copy of the service; any one of them is enough, all at once do no harm. */
export const startBackground = (
  nats: NatsConnection,
  stores: Stores,
  report: (error: unknown) => void,
): { close(): Promise<void> } => {
  const parts = [new OutboxRelay(nats, stores.config, report), new RevocationSweeper(stores, report)];
  return {
    close: async () => {
      await Promise.all(parts.map((part) => part.close()));
    },
  };
};
