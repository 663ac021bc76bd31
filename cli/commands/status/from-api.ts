import { fromJson } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Health, LocalOrder, type Worker, WorkerSchema, type WorkerStatus } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import type { ApiClient } from '../../api/client.ts';
import { listAll } from '../../resources/list.ts';
import { methodNamed } from '../../resources/methods.ts';
import { type Condition, type EdgeStatus, makeEdgeStatus, type WorkerSeen } from './edge-status.ts';
import { problemOf } from './problem.ts';

const CONDITIONS: Readonly<Record<Health, Condition>> = {
  [Health.UNSPECIFIED]: 'unseen',
  [Health.STARTING]: 'starting',
  [Health.SERVING]: 'serving',
  [Health.DRAINING]: 'draining',
  [Health.FAILED]: 'failed',
  [Health.WITHDRAWN]: 'withdrawn',
  [Health.STOPPED]: 'stopped',
};

const LOCAL: Readonly<Record<LocalOrder, readonly string[]>> = {
  [LocalOrder.UNSPECIFIED]: [],
  [LocalOrder.SERVE]: [],
  [LocalOrder.DRAIN]: ['drain at its machine'],
  [LocalOrder.WITHDRAW]: ['withdraw at its machine'],
  [LocalOrder.UNDRAIN]: ["undrained at its machine against the control plane's drain"],
};

const isSilent = ({ connected, health }: WorkerStatus): boolean => !connected && health !== Health.STOPPED;

const workerSeen = ({ pop, id, drain, popDrain, status }: Worker, nowMs: number): WorkerSeen => {
  const ordered = drain || popDrain ? ['drain by the control plane'] : [];
  if (status === undefined) {
    const unknown = { sessions: null, revision: null, fromDisk: false, control: null, seenTime: null, version: null };
    return { pop, id, condition: 'unseen', orders: ordered, ...unknown, problem: null };
  }
  const { control } = status;
  const silent = isSilent(status);
  return {
    pop,
    id,
    // One that is newer than this program may be in a condition that has no word here.
    condition: silent ? 'silent' : (CONDITIONS[status.health] ?? 'unseen'),
    orders: [...ordered, ...(LOCAL[status.localOrder] ?? [])],
    sessions: status.sessions,
    revision: String(status.revision),
    fromDisk: status.fromDisk,
    control:
      silent || control?.since === undefined
        ? null
        : { connected: control.connected, since: timestampDate(control.since).toISOString() },
    seenTime: status.reportTime === undefined ? null : timestampDate(status.reportTime).toISOString(),
    version: status.version,
    problem: problemOf(control, nowMs),
  };
};

/** What the control plane knows of the edge. @throws as its clients do */
export const readFromApi = async (api: ApiClient): Promise<EdgeStatus> => {
  const pops = (await listAll(api, methodNamed('pop', 'list'))).map(({ id }) => String(id));
  const lists = pops.map((pop) => listAll(api, methodNamed('worker', 'list'), pop));
  const workers = (await Promise.all(lists)).flat();
  return makeEdgeStatus({
    from: 'api',
    where: [api.target.context.server],
    remark: null,
    pops,
    workers: workers.map((json) => workerSeen(fromJson(WorkerSchema, json), Date.now())),
  });
};
