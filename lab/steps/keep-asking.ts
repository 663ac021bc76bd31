import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '#telemetry/measurement.ts';
import { LabError } from '../errors.ts';
import type { Journey } from '../journey.ts';
import { parseReplies, ping } from '../ping.ts';
import { workerMetric } from '../worker-metrics.ts';
import { failoverFigures } from './wireguard-figures.ts';

/** How often the WireGuard client asks the internet host for an answer, until it has had so many, or has tried for so long. */
const STEADY = { everyMs: 20, count: 200, patienceSeconds: 10 } as const;
/** Messages of it that its PoP has received when something happens to that. */
const LEAST_MESSAGES = 10;
const UNDER_WAY_MS = 3000;

/** A client that goes on whatever happens, and what it noticed of that. */
export interface Asking {
  /** Something happens to its PoP now. */
  faultIsNow(): void;
  /** When it is over; and of its neighbour at the next PoP. @throws FigureError */
  figures(): Promise<Measurement[]>;
}

/** The WireGuard client asks all the time; resolves once this PoP hears that. @returns nothing where there is no client */
export const keepAsking = async ({ lab, edge, wireguard }: Journey, pop: string): Promise<Asking | undefined> => {
  if (wireguard === undefined) return undefined;
  const messages = (): Promise<number> =>
    workerMetric(lab, pop, 'cloudbridge_wireguard_packets_total', { direction: 'received' });
  const before = await messages();
  const { everyMs, count, patienceSeconds } = STEADY;
  const args = ['-n', '-D', '-i', `${everyMs / 1000}`, '-c', `${count}`, '-w', `${patienceSeconds}`];
  // It ends with 1 where fewer answers came, which its figures tell better.
  const said = lab
    .exec(wireguard.host, 'ping', [...args, lab.place.internet.v4.address])
    .catch((error: LabError) => error.message);
  for (const start = performance.now(); (await messages()) < before + LEAST_MESSAGES; await sleep(10))
    if (performance.now() - start > UNDER_WAY_MS)
      throw new LabError(`The WireGuard client is not at ${pop}.`, wireguard.logFile);
  const fault = { atMs: Number.NaN, begun: 0 };
  return {
    faultIsNow: () => Object.assign(fault, { atMs: Date.now(), begun: wireguard.begun() }),
    figures: async () => [
      ...failoverFigures(parseReplies(await said), fault.atMs, wireguard.begun() - fault.begun),
      ...(await ping(lab, wireguard.host, edge.device('laptop').ipv4, 'wireguard_masque')),
    ],
  };
};
