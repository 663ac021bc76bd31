import type { NatsConnection } from '@nats-io/nats-core';
import type { ConfigApp } from './app.ts';
import { OutboxRelay } from './outbox.ts';
import { RevocationSweeper } from './revocation-sweeper.ts';

/** What runs beside the API, in every copy of the service; any one of them is enough, all at once do no harm. */
export const startBackground = (
  nats: NatsConnection,
  { stores, meter }: Pick<ConfigApp, 'stores' | 'meter'>,
  report: (error: unknown) => void,
): { close(): Promise<void> } => {
  const published = meter.adder('cloudbridge_config_events_total');
  const parts = [new OutboxRelay(nats, stores.config, report, published), new RevocationSweeper(stores, report)];
  return {
    close: async () => {
      await Promise.all(parts.map((part) => part.close()));
    },
  };
};
