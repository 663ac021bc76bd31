import { create, fromBinary } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { type ConsumerMessages, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { fromEventMessage } from '#model/event-message.ts';
import { EVENT_STREAM } from '#model/names.ts';
import {
  type EventService,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { TenantSchema } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { apiError } from '#services/api/errors.ts';
import { callerOf } from '#services/authn/authenticate.ts';
import { type Caller, Role } from '#services/authn/caller.ts';
import { StoreUnavailableError } from '#services/store/errors.ts';
import { readRecord } from './resource.ts';
import type { Stores } from './stores.ts';
import { ALL_TENANTS, maySee, tenantKey } from './tenants.ts';

export const eventService = (stores: Stores): ServiceImpl<typeof EventService> => ({
  async *watchEvents({ tenant, after }, context) {
    const subjects = await subjectsFor(stores, callerOf(context), tenant);
    const start = await startOf(stores.nats, after);
    const messages = await openMessages(stores.nats, subjects, start);
    // Also because callers get no headers before the first message.
    yield create(WatchEventsResponseSchema, { position: BigInt(start) });
    const stop = (): void => void messages.close();
    context.signal.addEventListener('abort', stop);
    try {
      for await (const message of messages) {
        const event = fromEventMessage({ subject: message.subject, headers: message.headers, body: message.string() });
        const position = BigInt(message.seq);
        if (event !== undefined)
          yield create(WatchEventsResponseSchema, { event, position }) satisfies WatchEventsResponse;
      }
    } finally {
      context.signal.removeEventListener('abort', stop);
      await messages.close();
    }
  },
});

/** What the caller asked for, as far as it may see it. */
const subjectsFor = async ({ config }: Stores, caller: Caller, tenant: string): Promise<string[]> => {
  if (tenant !== '') {
    await readRecord(config, 'tenant', tenant, tenantKey(tenant));
    return [`cb.events.${tenant}.>`];
  }
  if (caller.roles.has(Role.operator)) return ['cb.events.>'];
  const tenants = (await config.list(ALL_TENANTS)).map(({ value }) => fromBinary(TenantSchema, value));
  const own = tenants.filter((candidate) => maySee(caller, candidate)).map(({ id }) => `cb.events.${id}.>`);
  if (own.length > 0) return own;
  throw apiError(
    Code.NotFound,
    'TENANT_NOT_FOUND',
    'your organisation has no tenant here whose events could be watched',
  );
};

const openMessages = async (nats: NatsConnection, subjects: string[], after: number): Promise<ConsumerMessages> => {
  try {
    const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 };
    const consumer = await jetstream(nats).consumers.get(EVENT_STREAM, { ...start, filter_subjects: subjects });
    return await consumer.consume();
  } catch (cause) {
    throw new StoreUnavailableError('the events cannot be read now', { cause });
  }
};

/**
 * The position that the watch starts behind.
 *
 * @throws OutOfRange when events after it are no longer kept: who was away for too long must hear that some are lost
 */
const startOf = async (nats: NatsConnection, after: bigint): Promise<number> => {
  const { first_seq: first, last_seq: last } = await streamState(nats);
  if (after === 0n) return last;
  if (after <= BigInt(last) && after >= BigInt(first) - 1n) return Number(after);
  const message = `events are kept from ${first} to ${last}: position ${after} is not among them; read the resources anew and watch from 0`;
  throw apiError(Code.OutOfRange, 'POSITION_NOT_KEPT', message);
};

const streamState = async (nats: NatsConnection) => {
  try {
    return (await (await jetstreamManager(nats, { checkAPI: false })).streams.info(EVENT_STREAM)).state;
  } catch (cause) {
    throw new StoreUnavailableError('the events cannot be read now', { cause });
  }
};
