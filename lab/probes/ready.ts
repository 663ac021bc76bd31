import { setTimeout as sleep } from 'node:timers/promises';

/** As a router's check has it: asked so often, and given up after so many failures on end. */
const EVERY_MS = 100;
const PATIENCE_MS = 500;
const FAILURES = 3;

const isReady = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.ok;
    },
    () => false,
  );

/** Asks until the answer was no success so many times on end. */
export const untilNotReady = async (url: string): Promise<void> => {
  for (let failures = 0; failures < FAILURES; ) {
    failures = (await isReady(url)) ? 0 : failures + 1;
    await sleep(EVERY_MS);
  }
};
