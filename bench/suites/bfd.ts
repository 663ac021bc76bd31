import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { prepareCut } from '../bfd/cut.ts';
import { type BusyWorker, DEVICE, withBusyWorker } from '../bfd/scene.ts';
import { percentile } from '../failover/gaps.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';

/** `CBR_BENCH_SECONDS` and `CBR_BENCH_CUTS` say otherwise. */
const SECONDS = 60;
const CUTS = 20;
const SEEN_WITHIN_MS = 200;
/** BIRD reckons the time of day from its own clock each time. */
const SAME_TIME_MS = 20;
/** For the tunnel to be full before the first cut, and from one to the next. */
const FILL_MS = 3000;
const LOOK_MS = 2;
const DOWN_MS = 5000;

const numberIn = (name: string, usual: number, most: number): number => {
  const text = process.env[name];
  if (text === undefined) return usual;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} must be from 1 to ${most}.`);
  return value;
};

const soak = async (scene: BusyWorker, { remark }: CaseContext): Promise<Measurement[]> => {
  const seconds = numberIn('CBR_BENCH_SECONDS', SECONDS, 86_400);
  await scene.bothUp();
  const before = await scene.session();
  const ours = (await scene.path()).failures;
  const goodput = await scene.load(seconds);
  const after = await scene.session();
  const path = await scene.path();
  const theirs = after.isUp && Math.abs(after.sinceMs - before.sinceMs) < SAME_TIME_MS ? 0 : 1;
  const flaps = path.failures - ours;
  if (flaps + theirs > 0) remark(`It was Down: we said “${path.diagnostic}”, BIRD “${path.remoteDiagnostic}”.`);
  return [
    { metric: 'flaps', value: Math.max(flaps, theirs), unit: 'count', bar: { atMost: 0 } },
    { metric: 'duration', value: seconds, unit: 's' },
    { metric: 'collections', value: scene.collections(), unit: 'count' },
    { metric: 'goodput', value: goodput, unit: 'Gbit/s' },
  ];
};

const now = (): number => performance.timeOrigin + performance.now();

/** Milliseconds since 1970 when both had it Down. The time that an answer took is part of it. */
const downAt = async (scene: BusyWorker): Promise<{ readonly ours: number; readonly theirs: number }> => {
  for (const end = now() + DOWN_MS; now() < end; await sleep(LOOK_MS)) {
    const [path, session] = await Promise.all([scene.path(), scene.session()]);
    if (path.state === 'up' || session.isUp) continue;
    const { sinceSeconds } = await scene.path();
    return { ours: now() - sinceSeconds * 1000, theirs: session.sinceMs };
  }
  throw new Error(`The cut was not seen in ${DOWN_MS / 1000} s.`);
};

const figures = (who: string, ms: readonly number[]): Measurement[] => [
  { metric: `${who}_p50`, value: percentile(ms, 0.5), unit: 'ms' },
  { metric: `${who}_max`, value: Math.max(...ms), unit: 'ms', bar: { atMost: SEEN_WITHIN_MS } },
];

const cuts = async (scene: BusyWorker): Promise<Measurement[]> => {
  const count = numberIn('CBR_BENCH_CUTS', CUTS, 1000);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < count; i++) {
    const cut = await prepareCut(scene.chain.client.namespace, DEVICE);
    await scene.bothUp();
    // It sends into nothing after the cut, and is of no use then.
    const loading = scene.load(Math.ceil(FILL_MS / 1000) + 1).catch(() => 0);
    await sleep(FILL_MS);
    const at = await cut.now();
    const seen = await downAt(scene);
    await cut.undo();
    ours.push(seen.ours - at);
    theirs.push(seen.theirs - at);
    await loading;
  }
  return [
    ...figures('seen_by_us', ours),
    ...figures('seen_by_peer', theirs),
    { metric: 'cuts', value: count, unit: 'count' },
  ];
};

const caseOf = (
  name: string,
  summary: string,
  run: (scene: BusyWorker, context: CaseContext) => Promise<Measurement[]>,
): SuiteCase => ({
  name,
  summary,
  pools: true,
  run: async (context) => {
    if (!isRoot) throw new Skip('network namespaces need root');
    try {
      return await withBusyWorker((scene) => run(scene, context));
    } catch (error) {
      if (error instanceof PeerMissing) throw new Skip(error.message);
      throw error;
    }
  },
});

export const cases: readonly SuiteCase[] = [
  caseOf('soak', 'BFD with BIRD at 3 times 50 ms, a full tunnel, collections in all threads: nobody says Down', soak),
  caseOf('cut', 'the same, and the link is cut in both directions: milliseconds until each end says Down', cuts),
];
