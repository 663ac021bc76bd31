import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@bufbuild/protobuf';

export type Verb = 'drain' | 'undrain';

const EVERY_MS = 1000;

interface Said {
  readonly health?: string;
  readonly sessions?: number;
  readonly connected?: boolean;
  readonly localOrder?: string;
  readonly reportTime?: string;
}

const saidBy = ({ status }: JsonObject): Said => (status ?? {}) as Said;
const sessionsIn = (count: number): string => `${count} ${count === 1 ? 'session' : 'sessions'}`;

/**
 * Whether nobody knows what a worker does: it is not heard, and has not said that it ended. That other workers do not hear
 * it either proves nothing: whoever hears nobody goes on to announce and to serve.
 *
 * @param worker as the API has it
 */
export const isUnknown = (worker: JsonObject): boolean => {
  const { health, connected = false } = saidBy(worker);
  return !connected && health !== 'HEALTH_STOPPED';
};

const unknownText = (worker: JsonObject): string => {
  const { health = '', sessions = 0, reportTime } = saidBy(worker);
  if (reportTime === undefined) return 'is not reached (nothing was heard of it within a day)';
  const state = health.replace('HEALTH_', '').toLowerCase();
  return `is not reached (last heard ${reportTime}: ${state}, ${sessionsIn(sessions)})`;
};

/** What is still to be waited for of a worker that was told so; undefined: nothing. @param worker as the API has it */
export const leftOf = (verb: Verb, worker: JsonObject): string | undefined => {
  const { health, sessions = 0, connected = false, localOrder } = saidBy(worker);
  const name = `${worker['pop']}/${worker['id']}`;
  if (isUnknown(worker)) return `${name} ${unknownText(worker)}`;
  const isAsked = worker['drain'] === true || worker['popDrain'] === true;
  if (verb === 'undrain' && isAsked)
    return `${name} is drained still (by ${worker['drain'] === true ? 'itself' : 'its PoP'})`;
  if (verb === 'undrain') return connected && health === 'HEALTH_SERVING' ? undefined : `${name} does not serve yet`;
  if (health === 'HEALTH_STOPPED') return undefined;
  if (localOrder === 'LOCAL_ORDER_UNDRAIN') return `${name} was undrained at its machine: undrain and drain it anew`;
  if (health !== 'HEALTH_DRAINING') return `${name} does not drain yet`;
  return sessions === 0 ? undefined : `${name} has ${sessionsIn(sessions)}`;
};

/**
 * Reads workers once a second until all have done what they were told, or time is up.
 *
 * @param tell is told what is left, each time that it changes
 * @returns the workers as they were last, and what is left of them
 */
export const untilDone = async (
  verb: Verb,
  read: () => Promise<readonly JsonObject[]>,
  seconds: number,
  tell: (line: string) => void,
  everyMs = EVERY_MS,
): Promise<{ readonly workers: readonly JsonObject[]; readonly left: readonly string[] }> => {
  const end = performance.now() + seconds * 1000;
  for (let before = ''; ; await sleep(everyMs)) {
    const workers = await read();
    const left = workers.flatMap((worker) => leftOf(verb, worker) ?? []);
    const line = left.join(', ');
    if (left.length === 0 || performance.now() >= end) return { workers, left };
    if (line !== before) tell(`Waiting: ${line}.`);
    before = line;
  }
};
