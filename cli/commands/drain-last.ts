import type { JsonObject } from '@bufbuild/protobuf';

interface Seen {
  readonly health?: string;
  readonly connected?: boolean;
}

/** As far as the control plane knows: it serves, and nobody told it to leave. A worker that is cut off may, too. */
const announces = (worker: JsonObject): boolean => {
  const { health, connected = false } = (worker['status'] ?? {}) as Seen;
  return connected && health === 'HEALTH_SERVING';
};

/**
 * What a drain would leave without anybody who announces; undefined: nothing, or nobody announced before.
 *
 * @param all workers as the API has them
 * @param isTold of those that are drained
 * @returns one sentence
 */
export const lastWarning = (
  all: readonly JsonObject[],
  isTold: (worker: JsonObject) => boolean,
  isOver = false,
): string | undefined => {
  if (all.some((worker) => !isTold(worker) && announces(worker))) return undefined;
  const told = all.filter(isTold);
  if (isOver)
    return told.length === 0 ? undefined : 'Nothing is announced any more, as far as the control plane knows.';
  if (!told.some(announces)) return undefined;
  const sessions = told.reduce(
    (sum, { status }) => sum + Number((status as JsonObject | undefined)?.['sessions'] ?? 0),
    0,
  );
  return [
    'Warning: nobody else is known to announce. Once the sessions are gone, or drain_seconds are over, all is withdrawn,',
    `and whoever is here then (${sessions} now) is cut off.`,
  ].join(' ');
};
