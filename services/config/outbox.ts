import { create, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { headers as createHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import { toEventMessage } from '#model/event-message.ts';
import { configKey } from '#model/names.ts';
import { type Event, EventSchema } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { type Change, MAX_CHANGES } from '#services/store/commit.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { Page, Store, StoredRecord } from '#services/store/store.ts';
import { Repeater } from './repeater.ts';

/** What happened; id, time and actor are added. */
export interface EventInput {
  readonly tenant: string;
  readonly data: Event['data'];
}

/** How long the memory of a removed outbox record stays. */
const REMOVED_SECONDS = 60;
/** What this copy commits it sends at once; what another one left behind, at the next look. */
const SWEEP_MS = 1000;
const AT_ONCE = 200;

/** The event as one record more of a commit: it happens if and only if the change does. */
export const outboxChange = ({ tenant, data }: EventInput, actor: string): Change => {
  const event = create(EventSchema, { id: crypto.randomUUID(), tenant, time: timestampNow(), actor, data });
  return { key: configKey(tenant, 'outbox', event.id), value: toBinary(EventSchema, event), ifRevision: 0 };
};

/**
 * Moves events from the outbox to the stream. Every copy of the service does all of it, in the order of the commits: the
 * stream drops what another copy sent already (by Nats-Msg-Id), so that order is kept and a copy may die at any point.
 */
export class OutboxRelay {
  readonly #store: Store;
  readonly #stream: JetStreamClient;
  readonly #repeater: Repeater;
  readonly #published: () => void;

  /** @param published is told of each event that nobody had brought into the stream before */
  constructor(nats: NatsConnection, store: Store, report: (error: unknown) => void, published: () => void) {
    this.#published = published;
    this.#store = store;
    this.#stream = jetstream(nats);
    this.#repeater = new Repeater(() => this.#move(), { everyMs: SWEEP_MS, report });
    store.onCommit((changes) => {
      if (changes.some(({ key, value }) => value !== undefined && key.includes('.outbox.'))) this.#repeater.nudge();
    });
  }

  close(): Promise<void> {
    return this.#repeater.close();
  }

  async #move(): Promise<void> {
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: Page = await this.#store.page('*.outbox.*', from, AT_ONCE);
      const entries = page.records.flatMap((record) => {
        // One that cannot be read stays where it is, for whoever mends it, and holds nobody up.
        const event = this.#store.tryRead(EventSchema, record);
        return event === undefined ? [] : [{ record, event }];
      });
      if (entries.length > 0) {
        await this.#publish(entries.map(({ event }) => event));
        await this.#remove(entries.map(({ record }) => record));
      }
      from = page.next;
    }
  }

  async #publish(events: readonly Event[]): Promise<void> {
    // Sent in order over one connection; only the acknowledgements are waited for together.
    await Promise.all(
      events.map(async (event) => {
        const { subject, headers, body } = toEventMessage(event);
        const { duplicate } = await this.#stream.publish(subject, body, { headers: headersFrom(headers) });
        if (!duplicate) this.#published();
      }),
    );
  }

  async #remove(records: readonly StoredRecord[]): Promise<void> {
    const changes = records.map(({ key, revision }) => ({
      key,
      value: undefined,
      ifRevision: revision,
      ttlSeconds: REMOVED_SECONDS,
    }));
    try {
      await this.#store.commit(changes.slice(0, MAX_CHANGES));
    } catch (error) {
      // Another copy removed some of them; the next round sees which are left.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

const headersFrom = (values: ReadonlyMap<string, string>): MsgHdrs => {
  const found = createHeaders();
  for (const [name, value] of values) found.set(name, value);
  return found;
};
