import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { CongestionController } from './controller.ts';
import { type LostPacket, type RateSample, RateSampler } from './rate-sampler.ts';
import { controllerNamed, controllerNames } from './registry.ts';

const MTU = 1200;
const RTT_US = 40_000;
const ACK_US = 500;
const ROUND_ACKS = RTT_US / ACK_US;
const IN_FLIGHT = ROUND_ACKS * MTU;
const START_US = 1_000_000;
const ACKS = 40_000;
const LOSS_EVERY = 5000;
const MOST_BATCHES = 50;
/** Losses are rare and may cost something. A number that has a box of its own is 12 bytes or more, an object 24. */
const MOST_BYTES_PER_ACK = 1;

// A call that the engine does not inline puts fractions into boxes; what the code itself asks for is looked at here.
const FLAGS = [
  '--expose-gc',
  '--no-use-osr',
  '--max-inlined-bytecode-size=20000',
  '--max-inlined-bytecode-size-cumulative=20000',
];
for (const flag of FLAGS) setFlagsFromString(flag);
// A full collection would throw compiled code away.
const collect = runInNewContext('gc') as (how: { type: 'minor' }) => void;

/** ACKs of 20 Mbit/s, a packet each; made beforehand, so that only controllers allocate while they are heard. */
const SAMPLES: readonly RateSample[] = Array.from({ length: ACKS }, (_, i) => ({
  ...new RateSampler().sample,
  newlyAcked: MTU,
  ackedOutsideRecovery: MTU,
  largestSentTime: START_US + i * ACK_US - RTT_US,
  totalDelivered: (i + 1) * MTU,
  priorDelivered: Math.max((i + 1) * MTU - IN_FLIGHT, 0),
  delivered: IN_FLIGHT,
  deliveryRate: (IN_FLIGHT * 1e6) / (RTT_US + 0.1 + (i % 7)),
  intervalUs: RTT_US,
  txInFlight: IN_FLIGHT,
  rttUs: RTT_US + 0.3 + (i % 7),
  smoothedRttUs: RTT_US + 0.3 + (i % 3),
  minRttUs: RTT_US + 0.3,
  roundCount: Math.floor(i / ROUND_ACKS),
  isAppLimited: i % LOSS_EVERY > LOSS_EVERY - ROUND_ACKS,
}));

const lost: LostPacket = {
  ...{
    packetNumber: 0,
    bytes: MTU,
    sentTime: 0,
    txInFlight: IN_FLIGHT,
    delivered: 0,
    lost: MTU,
    totalDelivered: 0,
    isAppLimited: false,
  },
};

const hear = (controller: CongestionController, sample: RateSample, i: number): void => {
  const now = START_US + i * ACK_US;
  controller.onPacketSent(now, MTU, IN_FLIGHT);
  if (i % LOSS_EVERY === LOSS_EVERY - 1) {
    lost.sentTime = sample.largestSentTime;
    controller.onPacketLost(now, lost);
    controller.onCongestionEvent(now, MTU, sample.largestSentTime, false, 0, IN_FLIGHT);
  }
  controller.onAck(now, sample, IN_FLIGHT);
};

/** @returns bytes that an ACK allocates, in the best of some batches: first everything is compiled, by other threads */
const measure = async (name: string): Promise<number> => {
  // None goes away meanwhile, and with it what was compiled for its shape.
  const controllers: CongestionController[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < MOST_BATCHES && least >= MOST_BYTES_PER_ACK; batch++) {
    await setImmediate();
    const controller = controllerNamed(name)({ maxDatagramBytes: MTU, random: () => 0.5 });
    controllers.push(controller);
    collect({ type: 'minor' });
    const before = getHeapStatistics().used_heap_size;
    for (let i = 0; i < ACKS; i++) hear(controller, SAMPLES[i] as RateSample, i);
    least = Math.min(least, (getHeapStatistics().used_heap_size - before) / ACKS);
  }
  return least;
};

// Each in a thread of its own, where no other has taught the compiler what to expect.
if (isMainThread) {
  for (const name of controllerNames()) {
    test(`${name}: an ACK allocates nothing`, async () => {
      const [least] = await once(new Worker(new URL(import.meta.url), { workerData: name }), 'message');
      assert.ok(least < MOST_BYTES_PER_ACK, `${least} bytes for each`);
    });
  }
} else parentPort?.postMessage(await measure(workerData as string));
