import { setTimeout as wait } from 'node:timers/promises';

const LIMIT_MS = 40_000;
/** Between looks at a peer, each of which may be a program. */
const LOOK_MS = 100;

/** Waits until something is so. @throws Error that says what was waited for in vain */
export const until = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> => {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs / 1000} s in vain: ${what}.`);
    await wait(LOOK_MS);
  }
};

/** The same is so all the time. @throws Error */
export const stays = async (what: string, condition: () => Promise<boolean>, forMs: number): Promise<void> => {
  for (const end = performance.now() + forMs; performance.now() < end; ) {
    if (!(await condition())) throw new Error(`It did not stay so for ${forMs / 1000} s: ${what}.`);
    await wait(LOOK_MS);
  }
};
