import { FAULTS } from '../failover/faults.ts';
import { figuresOf } from '../failover/figures.ts';
import { withFault } from '../failover/scene.ts';
import type { SuiteCase } from '../suite.ts';

/** Clients at the PoP that something happens to; `CBR_BENCH_CLIENTS` says otherwise. */
const CLIENTS = 200;

/** Of clients, in ms; `CBR_BENCH_RTT_MS` says otherwise: 0 is no emulated link. */
const RTT_MS = 20;

const wanted = (name: string, otherwise: number): number => {
  const text = process.env[name];
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : otherwise;
};

export const cases: readonly SuiteCase[] = FAULTS.map((fault) => ({
  name: fault.name,
  summary: fault.summary,
  pools: true,
  run: async ({ runs = 1 }) =>
    figuresOf(
      await withFault(fault, {
        clients: Math.max(1, wanted('CBR_BENCH_CLIENTS', CLIENTS)),
        rttMs: wanted('CBR_BENCH_RTT_MS', RTT_MS),
        runs,
      }),
      fault,
    ),
}));
