import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import { EVENT_STREAM } from '#model/names.ts';

export interface StoredEvent {
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly body: string;
}

/** All that the stream of events holds now. */
export const readEvents = async (nats: NatsConnection): Promise<StoredEvent[]> => {
  const consumer = await jetstream(nats).consumers.get(EVENT_STREAM, { deliver_policy: DeliverPolicy.All });
  const { num_pending: count } = await consumer.info();
  const events: StoredEvent[] = [];
  if (count === 0) return events;
  const messages = await consumer.fetch({ max_messages: count, expires: 5000 });
  for await (const message of messages) {
    events.push({ subject: message.subject, headers: message.headers, body: message.string() });
  }
  return events;
};
