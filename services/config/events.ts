import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { fromEventMessage } from '#model/event-message.ts';
import {
  type EventService,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { TenantSchema } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { apiError } from '#services/api/errors.ts';
import { callerOf } from '#services/authn/authenticate.ts';
import { type Caller, Role } from '#services/authn/caller.ts';
import { followEvents, startPosition } from './event-feed.ts';
import { readRecord } from './resource.ts';
import type { Stores } from './stores.ts';
import { ALL_TENANTS, maySee, tenantKey } from './tenants.ts';

export const eventService = (stores: Stores): ServiceImpl<typeof EventService> => ({
  async *watchEvents({ tenant, after: from }, context) {
    const subjects = await subjectsFor(stores, callerOf(context), tenant);
    const after = await startPosition(stores.nats, from);
    // Also because callers get no headers before the first message.
    yield create(WatchEventsResponseSchema, { position: BigInt(after) });
    for await (const message of followEvents(stores, { subjects, after, signal: context.signal })) {
      const event = fromEventMessage({ subject: message.subject, headers: message.headers, body: message.string() });
      const position = BigInt(message.seq);
      if (event !== undefined)
        yield create(WatchEventsResponseSchema, { event, position }) satisfies WatchEventsResponse;
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
  const tenants = (await config.list(ALL_TENANTS)).map((record) => config.tryRead(TenantSchema, record));
  const own = tenants
    .filter((candidate) => candidate !== undefined)
    .filter((candidate) => maySee(caller, candidate))
    .map(({ id }) => `cb.events.${id}.>`);
  if (own.length > 0) return own;
  throw apiError(
    Code.NotFound,
    'TENANT_NOT_FOUND',
    'your organisation has no tenant here whose events could be watched',
  );
};
