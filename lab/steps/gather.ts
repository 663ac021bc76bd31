import { setTimeout as sleep } from 'node:timers/promises';
import { announcedBy } from '../bird.ts';
import { LabError } from '../errors.ts';
import type { Journey } from '../journey.ts';

const PATIENCE_MS = 15_000;

/** Waits until so many devices are at a PoP. */
export const untilAt = async ({ edge }: Journey, pop: string, count: number): Promise<void> => {
  for (const start = performance.now(); (await edge.reach.devicesAt(pop)) < count; await sleep(20))
    if (performance.now() - start > PATIENCE_MS)
      throw new LabError(`Waited ${PATIENCE_MS} ms in vain: ${count} devices at ${pop}.`);
};

/**
 * Brings so many devices to a PoP that routing leads to. Who went elsewhere meanwhile, as on a machine that was too busy, stays there,
 * and what comes to the old worker is handed on; until the other workers drain.
 *
 * @returns how many had to be brought
 */
export const gather = async (journey: Journey, pop: string, count: number): Promise<number> => {
  const { edge, lab, bird } = journey;
  const away = bird === undefined ? 0 : Math.max(0, count - (await edge.reach.devicesAt(pop)));
  if (bird === undefined || away === 0) return 0;
  const others = lab.place.pops.filter((other) => other !== pop && edge.workers.get(other)?.running === true);
  for (const other of others) await edge.order(other, 'drain');
  await untilAt(journey, pop, count);
  for (const other of others) await edge.order(other, 'undrain');
  await bird.until('all PoPs are announced', PATIENCE_MS, announcedBy([pop, ...others]));
  return away;
};
