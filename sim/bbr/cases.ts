import type { SimCase } from '../suites.ts';
import { deepQueue, disturbed, managedQueue, randomLoss, shallowQueue } from './alone.ts';
import { applicationLimited, idleRestart, longerWay, policer, rateDown, rateUp } from './changes.ts';
import { marked } from './marked.ts';
import { besideCubic, fourFlows, fourFlowsDeep, lateFlow, unlikeRoundTrips } from './together.ts';

const TWO_BDP = { mbit: 20, rttMs: 40, queueBdp: 2 };
const BLOATED = { mbit: 10, rttMs: 40, queueBdp: 16 };

/** Scenarios of `cloudbridge sim bbr`. */
export const cases: readonly SimCase[] = [
  {
    name: 'queue',
    summary: '20 Mbit/s, 40 ms, a queue of 2 BDP',
    run: (seed) => deepQueue(seed, TWO_BDP, { utilisation: 0.965, factor: 0.08, ratio: 15 }, true),
  },
  {
    name: 'bufferbloat',
    summary: '10 Mbit/s, 40 ms, a queue of 16 BDP',
    run: (seed) => deepQueue(seed, BLOATED, { utilisation: 0.965, factor: 0.12, ratio: 50 }, false),
  },
  {
    name: 'shallow',
    summary: '50 Mbit/s, 40 ms, queues of 0.5 and 0.1 BDP',
    run: (seed) => [...shallowQueue(seed, 0.5, 0.96), ...shallowQueue(seed, 0.1, 0.9)],
  },
  {
    name: 'random-loss',
    summary: '50 Mbit/s, 100 ms, one packet in 1000, 100 and 50 lost',
    run: (seed) => [
      ...randomLoss(seed, 0.001, 0.88),
      ...randomLoss(seed, 0.01, 0.8, 20),
      ...randomLoss(seed, 0.02, 0.25),
    ],
  },
  { name: 'four', summary: 'four flows, 50 Mbit/s, a queue of 1 BDP', run: fourFlows },
  { name: 'four-deep', summary: 'four flows, 20 Mbit/s, a queue of 16 BDP', run: fourFlowsDeep },
  { name: 'late', summary: 'a flow comes 20 s late and gets its share', run: lateFlow },
  { name: 'beside-cubic', summary: 'one flow beside one of CUBIC, queues of 1 to 8 BDP', run: besideCubic },
  { name: 'round-trips', summary: 'two flows with round trips of 20 and 100 ms', run: unlikeRoundTrips },
  { name: 'managed', summary: 'a queue managed by CoDel, and loss in bursts', run: managedQueue },
  { name: 'marked', summary: 'queues that mark with ECN-CE: alone, two flows, beside CUBIC', run: marked },
  { name: 'disturbed', summary: 'ACKs in slots and compressed, jitter, reordering', run: disturbed },
  {
    name: 'rate-change',
    summary: 'the rate doubles, and halves; the way becomes five times as long',
    run: (seed) => [...rateUp(seed), ...rateDown(seed), ...longerWay(seed)],
  },
  { name: 'policer', summary: 'a token bucket of 10 Mbit/s', run: policer },
  {
    name: 'application',
    summary: 'restart after idleness, and an application that says little',
    run: () => [...idleRestart(), ...applicationLimited()],
  },
];
