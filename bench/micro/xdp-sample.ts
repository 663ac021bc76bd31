/**
 * What sampling costs packets in XDP: nanoseconds a packet of BPF_PROG_TEST_RUN, medians, by how many a sample stands for; and what
 * reading one costs us. Needs root. usage: node bench/micro/xdp-sample.ts [--json]
 */

import { Samples } from '#pop-worker/xdp/samples.ts';
import { ip } from '#pop-worker/xdp/testing/frames.ts';
import { loadFront } from '#pop-worker/xdp/testing/loaded.ts';

const REPEAT = 1_000_000;
const ROUNDS = 15;
/** The last: so many that none is taken. */
const EVERY = [0, 2 ** 32 - 1, 10_000, 1000, 100] as const;
/** A ring has room for them. */
const BATCH = 10_000;
const BATCHES = 50;

const closers: (() => void)[] = [];
const front = loadFront({ after: (close) => closers.push(close) });
const samples = new Samples((name) => front.map(name));
const frame = ip();
const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

const runs = new Map<number, number[]>(EVERY.map((every) => [every, []]));
// In turn, so that what else the machine does hits all alike.
for (let round = 0; round < ROUNDS; round++)
  for (const [every, ns] of runs) {
    samples.every = every;
    ns.push(front.program.test(frame, REPEAT).ns);
    samples.read(() => undefined);
  }
samples.every = 1;
let readNs = 0;
for (let i = 0; i < BATCHES; i++) {
  front.program.test(frame, BATCH);
  const start = process.hrtime.bigint();
  samples.read(() => undefined);
  readNs += Number(process.hrtime.bigint() - start);
}
const figures = {
  packetNs: Object.fromEntries([...runs].map(([every, ns]) => [every, medianOf(ns)])),
  readNs: Math.round(readNs / BATCH / BATCHES),
  lost: samples.counts().lost,
};
for (const close of closers) close();

if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
else {
  const nameOf = (every: string) => (every === '0' ? 'sampling off' : `one of ${every} sampled`);
  for (const [every, ns] of Object.entries(figures.packetNs))
    console.log(`${String(ns).padStart(6)} ns  a packet, ${nameOf(every)}`);
  console.log(`${String(figures.readNs).padStart(6)} ns  a sample, read and decoded; ${figures.lost} found no room`);
}
