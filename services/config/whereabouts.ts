import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { StatusKey } from '#model/names.ts';
import { Health, type Presence, PresenceSchema, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import type { Store, StoredRecord } from '#services/store/store.ts';

/** Workers report every 5 seconds; one that was not heard for three times that is silent. */
export const SILENT_MS = 15_000;

/** A worker, by what it said last of itself. */
interface Heard {
  /** Of the process that said so, in milliseconds since 1970. */
  readonly startMs: number | undefined;
  readonly isSilent: boolean;
  /** It was ended in good order. */
  readonly isStopped: boolean;
}

/** By POP/WORKER, what is known of workers: those that fell silent a day ago are forgotten. */
export type Workers = ReadonlyMap<string, Heard>;

export const workerNameOf = ({ pop, worker }: Pick<Presence, 'pop' | 'worker'>): string => `${pop}/${worker}`;

const msOf = (time: Timestamp | undefined): number | undefined => time && timestampMs(time);

export const readWorkers = async (status: Store): Promise<Workers> => {
  const records = await status.list(StatusKey.worker('*', '*'));
  return new Map(
    records.flatMap((record) => {
      const said = status.tryRead(WorkerStatusSchema, record);
      if (said === undefined) return [];
      const isStopped = said.health === Health.STOPPED;
      const isSilent = isStopped || Date.now() - record.timeMs >= SILENT_MS;
      const [, pop = '', worker = ''] = record.key.split('.');
      return [[workerNameOf({ pop, worker }), { startMs: msOf(said.startTime), isSilent, isStopped }] as const];
    }),
  );
};

/** What was said of a device before its worker's last start, or by one that has stopped, holds no more. */
const holds = (presence: Presence, worker: Heard | undefined): boolean => {
  if (worker?.isStopped === true) return false;
  const [said, now] = [msOf(presence.workerStartTime), worker?.startMs];
  return said === undefined || now === undefined || said === now;
};

/** NATS holds a worker to keys that end in its name: of what it says in them only that counts. */
const isOfKey = ({ tenant, device, pop, worker }: Presence, key: string): boolean =>
  key.endsWith(`.${[tenant, device, pop, worker].join('.')}`);

/** What records say that hold still; whose worker is silent says so. */
export const presenceIn = (status: Store, records: readonly StoredRecord[], workers: Workers): Presence[] =>
  records.flatMap((record) => {
    const presence = status.tryRead(PresenceSchema, record);
    if (presence === undefined || !isOfKey(presence, record.key)) return [];
    const worker = workers.get(workerNameOf(presence));
    presence.workerSilent = worker?.isSilent !== false;
    return holds(presence, worker) ? [presence] : [];
  });

/** Where a device is, and how what lies behind it is reached by it. */
export const presenceOf = async (status: Store, tenant: string, device: string): Promise<Presence[]> => {
  const records = await status.list(StatusKey.presence(tenant, device, '*', '*'));
  if (records.length === 0) return [];
  const [workers, sites] = await Promise.all([
    readWorkers(status),
    status.list(StatusKey.site(tenant, device, '*', '*')),
  ]);
  const reaches = presenceIn(status, sites, workers);
  return presenceIn(status, records, workers).map((presence) => {
    const reach = reaches.find((each) => workerNameOf(each) === workerNameOf(presence))?.site;
    if (reach !== undefined) presence.site = reach;
    return presence;
  });
};
