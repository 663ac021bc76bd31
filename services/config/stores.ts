import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket } from '#model/names.ts';
import { Reconnects } from '#services/store/reconnects.ts';
import { Store } from '#services/store/store.ts';

/** The buckets that the configuration service works on. */
export interface Stores {
  readonly nats: NatsConnection;
  readonly reconnects: Reconnects;
  readonly config: Store;
  readonly revocations: Store;
  readonly status: Store;
  readonly desired: Store;
  readonly chunks: Store;
}

export const openStores = async (nats: NatsConnection): Promise<Stores> => {
  const open = (bucket: string) => Store.open(nats, bucket);
  const [config, revocations, status, desired, chunks] = await Promise.all([
    open(Bucket.config),
    open(Bucket.revocations),
    open(Bucket.status),
    open(Bucket.desired),
    open(Bucket.chunks),
  ]);
  return { nats, reconnects: new Reconnects(nats), config, revocations, status, desired, chunks };
};
