import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@bufbuild/protobuf';

export type Verb = 'drain' | 'undrain';

const EVERY_MS = 1000;

interface Said {
  readonly health?: string;
  readonly sessions?: number;
  readonly connected?: boolean;
}

/** What is still to be waited for of a worker that was told so; undefined: nothing. @param worker as the API has it */
export const leftOf = (verb: Verb, { pop, id, status }: JsonObject): string | undefined => {
  const { health, sessions = 0, connected = false } = (status ?? {}) as Said;
  const name = `${pop}/${id}`;
  if (verb === 'undrain') return connected && health === 'HEALTH_SERVING' ? undefined : `${name} does not serve yet`;
  // Who is not there has no sessions.
  if (!connected || health === 'HEALTH_STOPPED') return undefined;
  if (health !== 'HEALTH_DRAINING') return `${name} does not drain yet`;
  return sessions === 0 ? undefined : `${name} has ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
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
