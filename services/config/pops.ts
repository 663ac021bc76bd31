import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, StatusKey, SYSTEM } from '#model/names.ts';
import {
  type DrainWorkerRequest,
  Health,
  type Pop,
  PopSchema,
  type PopService,
  type Worker,
  WorkerSchema,
  WorkerStatusSchema,
} from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { apiError } from '#services/api/errors.ts';
import { makeChange } from './change.ts';
import { addChild, endParent, GuardKey } from './guard.ts';
import { readPage } from './page.ts';
import { makeId, mustBeNew, readRecord, readResource, storeResource } from './resource.ts';
import type { Stores } from './stores.ts';
import { keyOf } from './tenants.ts';

const ALL_POPS = configKey(SYSTEM, 'pop', 'x').replace(/x$/, '*');

const popKey = (pop: string): string => keyOf(() => ConfigKey.pop(pop), 'pop', pop);
const workerKey = (pop: string, worker: string): string => keyOf(() => ConfigKey.worker(pop, worker), 'worker', worker);

export const popService = (stores: Stores): ServiceImpl<typeof PopService> => ({
  ...popMethods(stores),
  ...workerMethods(stores),
});

type PopMethods = 'listPops' | 'getPop' | 'createPop' | 'deletePop';

const popMethods = ({ config }: Stores): Pick<ServiceImpl<typeof PopService>, PopMethods> => ({
  listPops: async ({ page }) => {
    const { items, nextPageToken } = await readPage(config, PopSchema, ALL_POPS, page);
    return { pops: items, nextPageToken };
  },

  getPop: async ({ pop }) => readResource(config, PopSchema, await readRecord(config, 'pop', pop, popKey(pop))),

  createPop: (request, context) => {
    const id = request.pop?.id || makeId('pop');
    const { displayName = '', latitude = 0, longitude = 0 } = request.pop ?? {};
    return makeChange<Pop>(config, context, request, async () => {
      const key = popKey(id);
      const ifRevision = mustBeNew(await config.last(key), 'pop', id);
      const pop = create(PopSchema, { id, displayName, latitude, longitude });
      return {
        resource: { key, value: storeResource(PopSchema, pop), ifRevision },
        event: { tenant: SYSTEM, data: { case: 'popCreated', value: pop } },
        answer: pop,
      };
    });
  },

  deletePop: (request, context) =>
    makeChange(config, context, request, async () => {
      const { pop: id, etag } = request;
      const record = await readRecord(config, 'pop', id, popKey(id), etag);
      const guard = await endParent(config, GuardKey.pop(id), async () => {
        const { records } = await config.page(`${SYSTEM}.worker.${id}.*`, 0, 1);
        if (records.length === 0) return;
        const message = `pop ${JSON.stringify(id)} still has workers: delete them first`;
        throw apiError(Code.FailedPrecondition, 'POP_NOT_EMPTY', message);
      });
      return {
        resource: { key: record.key, value: undefined, ifRevision: record.revision },
        others: [guard],
        event: { tenant: SYSTEM, data: { case: 'popDeleted', value: readResource(config, PopSchema, record) } },
      };
    }),
});

const workerMethods = (stores: Stores): Omit<ServiceImpl<typeof PopService>, PopMethods> => {
  const { config } = stores;
  return {
    listWorkers: async ({ pop, page }) => {
      await readRecord(config, 'pop', pop, popKey(pop));
      const { items, nextPageToken } = await readPage(config, WorkerSchema, `${SYSTEM}.worker.${pop}.*`, page);
      await Promise.all(items.map((worker) => addStatus(stores, worker)));
      return { workers: items, nextPageToken };
    },

    getWorker: async ({ pop, worker }) => {
      const record = await readRecord(config, 'worker', worker, workerKey(pop, worker));
      return addStatus(stores, readResource(config, WorkerSchema, record));
    },

    createWorker: (request, context) => {
      const { pop } = request;
      const id = request.worker?.id || makeId('worker');
      return makeChange<Worker>(config, context, request, async () => {
        const parent = await readRecord(config, 'pop', pop, popKey(pop));
        const key = workerKey(pop, id);
        const ifRevision = mustBeNew(await config.last(key), 'worker', id);
        const worker = create(WorkerSchema, { pop, id, drain: request.worker?.drain ?? false });
        return {
          resource: { key, value: storeResource(WorkerSchema, worker), ifRevision },
          others: [addChild(GuardKey.pop(pop), parent, id)],
          event: { tenant: SYSTEM, data: { case: 'workerCreated', value: worker } },
          answer: worker,
        };
      });
    },

    deleteWorker: (request, context) =>
      makeChange(config, context, request, async () => {
        const { pop, worker: id, etag } = request;
        const record = await readRecord(config, 'worker', id, workerKey(pop, id), etag);
        return {
          resource: { key: record.key, value: undefined, ifRevision: record.revision },
          event: { tenant: SYSTEM, data: { case: 'workerDeleted', value: readResource(config, WorkerSchema, record) } },
        };
      }),

    drainWorker: (request, context) => setDrain(stores, request, context, true),
    undrainWorker: (request, context) => setDrain(stores, request, context, false),
  };
};

const setDrain = (
  stores: Stores,
  request: DrainWorkerRequest,
  context: HandlerContext,
  drain: boolean,
): Promise<Worker> =>
  makeChange<Worker>(stores.config, context, request, async () => {
    const record = await readRecord(stores.config, 'worker', request.worker, workerKey(request.pop, request.worker));
    const worker = readResource(stores.config, WorkerSchema, record);
    if (worker.drain === drain) return { unchanged: worker };
    worker.drain = drain;
    return {
      resource: { key: record.key, value: storeResource(WorkerSchema, worker), ifRevision: record.revision },
      event: { tenant: SYSTEM, data: { case: 'workerUpdated', value: worker } },
      answer: worker,
    };
  });

/** Workers report every 5 seconds; one that was not heard for three times that is not connected. */
const SILENT_MS = 15_000;

/** What the worker last said of itself, and whether that was just now. */
const addStatus = async ({ status }: Stores, worker: Worker): Promise<Worker> => {
  const record = await status.get(StatusKey.worker(worker.pop, worker.id));
  if (record === undefined) return worker;
  const said = status.tryRead(WorkerStatusSchema, record);
  if (said === undefined) return worker;
  const isFresh = Date.now() - record.timeMs < SILENT_MS;
  // The last word of one that stopped is no sign of life.
  said.connected = isFresh && said.health !== Health.STOPPED;
  said.reportTime = timestampFromMs(record.timeMs);
  worker.status = said;
  return worker;
};
