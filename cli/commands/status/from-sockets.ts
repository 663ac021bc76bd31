import { timestampDate } from '@bufbuild/protobuf/wkt';
import { AdminError, askWorker } from '#pop-worker/admin/client.ts';
import { contactOf, ordersOf, type WorkerAnswer } from '../worker-status/rows.ts';
import { type Condition, type EdgeStatus, makeEdgeStatus, type WorkerSeen } from './edge-status.ts';
import { bfdProblemOf, problemOf } from './problem.ts';

const conditionOf = ({ state, healthy }: WorkerAnswer): Condition => {
  if (!healthy) return 'failed';
  return state === 'ready' ? 'serving' : (state as Condition);
};

const workerSeen = (answer: WorkerAnswer): WorkerSeen => {
  const contact = answer.control && contactOf(answer.control);
  const since = contact?.since;
  return {
    pop: answer.pop,
    id: answer.worker,
    condition: conditionOf(answer),
    orders: ordersOf(answer.orders),
    sessions: answer.sessions,
    revision: answer.control?.revision ?? null,
    fromDisk: answer.control?.fromDisk ?? false,
    control:
      since === undefined
        ? null
        : { connected: contact?.connected === true, since: timestampDate(since).toISOString() },
    seenTime: new Date().toISOString(),
    version: answer.version,
    problem: answer.healthy
      ? (answer.reason ?? problemOf(contact, Date.now()) ?? bfdProblemOf(answer.bfd))
      : 'its data plane does not answer',
  };
};

const unreachable = (socket: string, problem: string): WorkerSeen => ({
  pop: '',
  id: socket,
  condition: 'unreachable',
  orders: [],
  sessions: null,
  revision: null,
  fromDisk: false,
  control: null,
  seenTime: null,
  version: null,
  problem,
});

/** Workers of this machine as they answer themselves, which takes neither NATS nor the API. */
export const readFromSockets = async (
  sockets: readonly string[],
  remark: string | null = null,
): Promise<EdgeStatus> => {
  const workers = sockets.map(async (socket) => {
    try {
      return workerSeen((await askWorker(socket, 'status')) as WorkerAnswer);
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      return unreachable(socket, error.message);
    }
  });
  return makeEdgeStatus({ from: 'sockets', where: sockets, remark, workers: await Promise.all(workers) });
};
