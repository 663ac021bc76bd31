import { create, toBinary } from '@bufbuild/protobuf';
import { Code, type HandlerContext } from '@connectrpc/connect';
import { ConfigKey, SYSTEM } from '#model/names.ts';
import { type DrainPopRequest, type Pop, PopSchema, WorkerSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { GuardSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { apiError } from '#services/api/errors.ts';
import { type Change, MAX_CHANGES } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { GuardKey } from './guard.ts';
import { readRecord, readResource, storeResource } from './resource.ts';
import { keyOf } from './tenants.ts';

/** The PoP, its guard, the event and the answer to an idempotency key are in the commit as well. */
const MOST_WORKERS = MAX_CHANGES - 10;

/** @throws InvalidArgument on what no PoP can be called */
export const popKey = (pop: string): string => keyOf(() => ConfigKey.pop(pop), 'pop', pop);

/**
 * What a PoP says of draining stands in each of its workers' records, which are all that a worker may read: they change in one
 * commit with the PoP, and none comes into it or changes meanwhile.
 */
const workersToldSo = async (config: Store, pop: string, drain: boolean): Promise<Change[]> => {
  const { revision } = await config.last(GuardKey.pop(pop));
  const guard = toBinary(GuardSchema, create(GuardSchema, { child: 'drain' }));
  const { records, next } = await config.page(`${SYSTEM}.worker.${pop}.*`, 0, MOST_WORKERS);
  if (next !== undefined) {
    const message = `pop ${JSON.stringify(pop)} has more than ${MOST_WORKERS} workers: drain them one by one`;
    throw apiError(Code.FailedPrecondition, 'TOO_MANY_WORKERS', message);
  }
  const workers = records.map((record): Change => {
    const worker = readResource(config, WorkerSchema, record);
    worker.popDrain = drain;
    return { key: record.key, value: storeResource(WorkerSchema, worker), ifRevision: record.revision };
  });
  return [{ key: GuardKey.pop(pop), value: guard, ifRevision: revision }, ...workers];
};

/** Drains a PoP, or no longer: all of its workers or none. */
export const setPopDrain = (
  config: Store,
  request: DrainPopRequest,
  context: HandlerContext,
  drain: boolean,
): Promise<Pop> =>
  makeChange<Pop>(config, context, request, async () => {
    const { pop: id } = request;
    const record = await readRecord(config, 'pop', id, popKey(id));
    const pop = readResource(config, PopSchema, record);
    if (pop.drain === drain) return { unchanged: pop };
    pop.drain = drain;
    return {
      others: await workersToldSo(config, id, drain),
      resource: { key: record.key, value: storeResource(PopSchema, pop), ifRevision: record.revision },
      event: { tenant: SYSTEM, data: { case: 'popUpdated', value: pop } },
      answer: pop,
    };
  });
