/** How a worker is, in one word for a table and for scripts. */
export type Condition =
  | 'serving'
  | 'starting'
  | 'draining'
  | 'withdrawn'
  | 'stopping'
  | 'stopped'
  /** Its data plane does not answer, or its own checks have withdrawn it. */
  | 'failed'
  /** The control plane has not heard it for 15 seconds. */
  | 'silent'
  /** Its admin socket gives no answer. */
  | 'unreachable'
  /** It never reported, or not since yesterday. */
  | 'unseen';

/** A worker as it was last seen. What nobody knows is null. Times are ISO 8601. */
export interface WorkerSeen {
  readonly pop: string;
  readonly id: string;
  readonly condition: Condition;
  /** Who keeps it from serving as usual; empty: nobody. */
  readonly orders: readonly string[];
  readonly sessions: number | null;
  readonly revision: string | null;
  readonly fromDisk: boolean;
  /** Its connection to the control plane, and since when it is there or not. */
  readonly control: { readonly connected: boolean; readonly since: string } | null;
  readonly seenTime: string | null;
  readonly version: string | null;
  /** What somebody should look at. */
  readonly problem: string | null;
}

/** A whole edge, or the part of it that is seen from here. */
export interface EdgeStatus {
  readonly time: string;
  readonly from: 'api' | 'sockets';
  /** URL of the API, or paths of admin sockets. */
  readonly where: readonly string[];
  /** Why it is not seen as it was asked for. */
  readonly remark: string | null;
  readonly sessions: number;
  /** Also those without workers. */
  readonly pops: readonly string[];
  readonly workers: readonly WorkerSeen[];
}

const BROKEN: ReadonlySet<Condition> = new Set(['failed', 'silent', 'unreachable']);

export const isBroken = ({ condition }: WorkerSeen): boolean => BROKEN.has(condition);

const byName = (a: WorkerSeen, b: WorkerSeen): number =>
  a.pop === b.pop ? (a.id < b.id ? -1 : 1) : a.pop < b.pop ? -1 : 1;

/** Puts together what was seen. Sessions of a worker that is gone are gone, whatever it said last. */
export const makeEdgeStatus = (
  parts: Pick<EdgeStatus, 'from' | 'where' | 'workers' | 'remark'> & { readonly pops?: readonly string[] },
): EdgeStatus => {
  const { pops = [], workers, ...rest } = parts;
  const present = workers.filter((worker) => !isBroken(worker));
  return {
    time: new Date().toISOString(),
    ...rest,
    sessions: present.reduce((sum, { sessions }) => sum + (sessions ?? 0), 0),
    pops: [...new Set([...pops, ...workers.map(({ pop }) => pop)])].sort(),
    workers: [...workers].sort(byName),
  };
};
