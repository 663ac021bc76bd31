import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '#telemetry/measurement.ts';
import { LabError } from '../errors.ts';
import type { Journey } from '../journey.ts';
import { parseReplies } from '../ping.ts';
import { workerMetric } from '../worker-metrics.ts';
import { failoverFigures } from './wireguard-figures.ts';

/** How often the WireGuard client asks the internet host for an answer. */
const STEADY = { count: 350, everyMs: 20 } as const;
/** Messages of it that its PoP has received when something happens to that. */
const LEAST_MESSAGES = 10;
const UNDER_WAY_MS = 3000;

/** A client that goes on whatever happens, and what it noticed of that. */
export interface Asking {
  /** Something happens to its PoP now. */
  faultIsNow(): void;
  /** When it is over. @throws FigureError */
  figures(): Promise<Measurement[]>;
}

/** The WireGuard client asks all the time; resolves once this PoP hears that. @returns nothing where there is no client */
export const keepAsking = async ({ lab, wireguard }: Journey, pop: string): Promise<Asking | undefined> => {
  if (wireguard === undefined) return undefined;
  const messages = (): Promise<number> =>
    workerMetric(lab, pop, 'cloudbridge_wireguard_packets_total', { direction: 'received' });
  const before = await messages();
  const args = ['-n', '-D', '-c', `${STEADY.count}`, '-i', `${STEADY.everyMs / 1000}`, '-W', '1'];
  // It ends with 1 where nothing was answered, which its figures tell better.
  const said = lab
    .exec(wireguard.host, 'ping', [...args, lab.place.internet.v4.address])
    .catch((error: LabError) => error.message);
  for (const start = performance.now(); (await messages()) < before + LEAST_MESSAGES; await sleep(10))
    if (performance.now() - start > UNDER_WAY_MS)
      throw new LabError(`The WireGuard client is not at ${pop}.`, wireguard.logFile);
  const fault = { atMs: Number.NaN, begun: 0 };
  return {
    faultIsNow: () => Object.assign(fault, { atMs: Date.now(), begun: wireguard.begun() }),
    figures: async () => failoverFigures(parseReplies(await said), fault.atMs, wireguard.begun() - fault.begun),
  };
};
