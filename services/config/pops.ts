import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { ConfigKey, configKey, StatusKey, SYSTEM } from '#model/names.ts';
import { canonicalAddress } from '#model/prefixes.ts';
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
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { addChild, endParent, GuardKey } from './guard.ts';
import { nextMember } from './members.ts';
import { readPage } from './page.ts';
import { popKey, setPopDrain } from './pop-drain.ts';
import { applyMask, changeable, makeId, mustBeNew, readRecord, readResource, storeResource } from './resource.ts';
import type { Stores } from './stores.ts';
import { keyOf } from './tenants.ts';
import { SILENT_MS } from './whereabouts.ts';

const ALL_POPS = configKey(SYSTEM, 'pop', 'x').replace(/x$/, '*');

/** Kinds of which each belongs to a PoP. */
const CHILDREN = ['worker', 'neighbor', 'uplink'] as const;

const workerKey = (pop: string, worker: string): string => keyOf(() => ConfigKey.worker(pop, worker), 'worker', worker);

export const popService = (stores: Stores): ServiceImpl<typeof PopService> => ({
  ...popMethods(stores),
  ...workerMethods(stores),
});

type PopMethods = 'listPops' | 'getPop' | 'createPop' | 'updatePop' | 'deletePop' | 'drainPop' | 'undrainPop';

/** Draining has calls of its own. */
const CHANGEABLE = changeable(PopSchema, ['id', 'drain']);

/** Addresses in their one form. */
const inOneForm = (pop: Pop): Pop => {
  pop.addresses = pop.addresses.map((address) => canonicalAddress(address) ?? address);
  return pop;
};

const popMethods = ({ config }: Stores): Pick<ServiceImpl<typeof PopService>, PopMethods> => ({
  drainPop: (request, context) => setPopDrain(config, request, context, true),
  undrainPop: (request, context) => setPopDrain(config, request, context, false),

  listPops: async ({ page }) => {
    const { items, nextPageToken } = await readPage(config, PopSchema, ALL_POPS, page);
    return { pops: items, nextPageToken };
  },

  getPop: async ({ pop }) => readResource(config, PopSchema, await readRecord(config, 'pop', pop, popKey(pop))),

  createPop: (request, context) => {
    const id = request.pop?.id || makeId('pop');
    const { displayName = '', latitude = 0, longitude = 0, addresses = [] } = request.pop ?? {};
    return makeChange<Pop>(config, context, request, async () => {
      const key = popKey(id);
      const ifRevision = mustBeNew(await config.last(key), 'pop', id);
      const pop = inOneForm(create(PopSchema, { id, displayName, latitude, longitude, addresses }));
      return {
        resource: { key, value: storeResource(PopSchema, pop), ifRevision },
        event: { tenant: SYSTEM, data: { case: 'popCreated', value: pop } },
        answer: pop,
      };
    });
  },

  updatePop: (request, context) =>
    makeChange<Pop>(config, context, request, async () => {
      const id = request.pop?.id ?? '';
      const record = await readRecord(config, 'pop', id, popKey(id), request.etag);
      const pop = readResource(config, PopSchema, record);
      applyMask(pop, request.pop as Pop, request.updateMask?.paths ?? [], CHANGEABLE, new Map());
      return {
        resource: { key: record.key, value: storeResource(PopSchema, inOneForm(pop)), ifRevision: record.revision },
        event: { tenant: SYSTEM, data: { case: 'popUpdated', value: pop } },
        answer: pop,
      };
    }),

  deletePop: (request, context) =>
    makeChange(config, context, request, async () => {
      const { pop: id, etag } = request;
      const record = await readRecord(config, 'pop', id, popKey(id), etag);
      const guard = await endParent(config, GuardKey.pop(id), async () => {
        for (const kind of CHILDREN) {
          const { records } = await config.page(`${SYSTEM}.${kind}.${id}.*`, 0, 1);
          if (records.length === 0) continue;
          const message = `pop ${JSON.stringify(id)} still has ${kind}s: delete them first`;
          throw apiError(Code.FailedPrecondition, 'POP_NOT_EMPTY', message);
        }
      });
      return {
        resource: { key: record.key, value: undefined, ifRevision: record.revision },
        others: [guard],
        event: { tenant: SYSTEM, data: { case: 'popDeleted', value: readResource(config, PopSchema, record) } },
      };
    }),
});

const CHANGEABLE_WORKER = changeable(WorkerSchema, ['pop', 'id', 'drain', 'pop_drain', 'status', 'member']);

/** Gives a worker its number unless it has one, as those from before there were numbers. */
const numbered = async (config: Store, worker: Worker): Promise<Change[]> => {
  worker.meshAddress = canonicalAddress(worker.meshAddress) ?? worker.meshAddress;
  if (worker.member !== 0) return [];
  const { member, taken } = await nextMember(config);
  worker.member = member;
  return [taken];
};

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
        const worker = create(WorkerSchema, { pop, id });
        const given = request.worker as Worker;
        applyMask(worker, given, [...CHANGEABLE_WORKER.keys()], CHANGEABLE_WORKER, new Map());
        worker.drain = given.drain;
        worker.popDrain = readResource(config, PopSchema, parent).drain;
        const taken = await numbered(config, worker);
        return {
          resource: { key, value: storeResource(WorkerSchema, worker), ifRevision },
          others: [addChild(GuardKey.pop(pop), parent, id), ...taken],
          event: { tenant: SYSTEM, data: { case: 'workerCreated', value: worker } },
          answer: worker,
        };
      });
    },

    updateWorker: (request, context) =>
      makeChange<Worker>(config, context, request, async () => {
        const { pop } = request;
        const id = request.worker?.id ?? '';
        const record = await readRecord(config, 'worker', id, workerKey(pop, id), request.etag);
        const worker = readResource(config, WorkerSchema, record);
        const paths = request.updateMask?.paths ?? [];
        applyMask(worker, request.worker as Worker, paths, CHANGEABLE_WORKER, new Map());
        const taken = await numbered(config, worker);
        return {
          resource: { key: record.key, value: storeResource(WorkerSchema, worker), ifRevision: record.revision },
          others: taken,
          event: { tenant: SYSTEM, data: { case: 'workerUpdated', value: worker } },
          answer: worker,
        };
      }),

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
