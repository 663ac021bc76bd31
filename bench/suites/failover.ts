import { FAULTS, type Fault } from '../failover/faults.ts';
import { figuresOf } from '../failover/figures.ts';
import { type Circumstances, withFault } from '../failover/scene.ts';
import type { SuiteCase } from '../suite.ts';

/** Clients at the PoP that something happens to; `CBR_BENCH_CLIENTS` says otherwise. */
const CLIENTS = 200;

/** …of those that come by WireGuard: a process each. */
const WIREGUARD_CLIENTS = 50;
const WIREGUARD_BARS = { p50: 500, p99: 1500 } as const;

/** Of clients, in ms; `CBR_BENCH_RTT_MS` says otherwise: 0 is no emulated link. */
const RTT_MS = 20;

const wanted = (name: string, otherwise: number): number => {
  const text = process.env[name];
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : otherwise;
};

const run =
  (fault: Fault, otherwise: number, by: Circumstances['by']): SuiteCase['run'] =>
  async ({ runs = 1 }) => {
    const clients = Math.max(1, wanted('CBR_BENCH_CLIENTS', otherwise));
    return figuresOf(await withFault(fault, { clients, rttMs: wanted('CBR_BENCH_RTT_MS', RTT_MS), runs, by }), fault);
  };

const byMasque = FAULTS.map((fault) => ({
  ...{ name: fault.name, summary: fault.summary, pools: true },
  run: run(fault, CLIENTS, 'masque'),
}));

/** The same for clients that nobody has told anything of PoPs, and that do nothing by themselves. */
const byWireGuard = FAULTS.map(({ name, summary, ...fault }) => ({
  ...{ name: `wireguard-${name}`, summary: `${summary}; clients are stock wireguard-go`, pools: true },
  run: run({ ...fault, name, summary, bars: WIREGUARD_BARS, clientsAct: false }, WIREGUARD_CLIENTS, 'wireguard'),
}));

export const cases: readonly SuiteCase[] = [...byMasque, ...byWireGuard];
