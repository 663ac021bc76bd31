/** Reads from a host of the internet at an even pace, and says ten times a second how much has come. */
import { get } from 'node:http';
import { nowMs, type SurvivorOrder, type SurvivorReport } from './order.ts';

const EVERY_MS = 10;
const TOLD_EVERY = 10;

process.once('message', ({ url, bytesPerSecond }: SurvivorOrder) => {
  get(url, (response) => {
    const start = nowMs();
    let [bytes, ticks] = [0, 0];
    setInterval(() => {
      // What could not be had at its time is not made up for: a second's quota at most waits.
      const due = ((nowMs() - start) / 1000) * bytesPerSecond;
      while (bytes < due) {
        const chunk = response.read() as Buffer | null;
        if (chunk === null) break;
        bytes += chunk.length;
      }
      if (++ticks % TOLD_EVERY === 0) process.send?.({ at: nowMs(), bytes } satisfies SurvivorReport);
    }, EVERY_MS);
  });
});
process.on('disconnect', () => process.exit());
