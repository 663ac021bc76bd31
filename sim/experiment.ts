import { controllerNamed } from '#protocol/congestion/registry.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { Events } from './events.ts';
import { type Application, Flow } from './flow.ts';
import { Bottleneck } from './path/bottleneck.ts';
import type { Next } from './path/packet.ts';
import { CoDel, DropTail } from './path/queue.ts';
import { burstLoss, delay, jitter, loss, policer, reorder, slots } from './path/stages.ts';
import { Recorder } from './recorder.ts';

/** A path that flows share. Rates in Mbit/s of IP packets, times in ms. */
export interface PathSpec {
  readonly mbit: number;
  readonly rttMs: number;
  /** Of the queue, in bandwidth-delay products of the path. */
  readonly queueBdp: number;
  readonly codel?: boolean;
  /** Share of packets that vanish behind the bottleneck. */
  readonly loss?: number;
  /** Mean packets between and within bursts of loss. */
  readonly burstLoss?: { readonly good: number; readonly bad: number };
  readonly jitterMs?: number;
  readonly reorder?: { readonly share: number; readonly ms: number };
  /** ACKs leave together, so often. */
  readonly ackSlotMs?: number;
  readonly policer?: { readonly mbit: number; readonly burstBytes: number };
  readonly steps?: readonly { readonly atMs: number; readonly mbit: number }[];
}

export interface FlowSpec {
  /** A name of the registry. */
  readonly controller: string;
  readonly startMs?: number;
  /** Another round trip than the path's. */
  readonly rttMs?: number;
  readonly application?: Application;
}

export interface ExperimentSpec {
  readonly path: PathSpec;
  readonly flows: readonly FlowSpec[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly seed: number;
}

export interface FlowOutcome {
  readonly flow: Flow;
  readonly recorder: Recorder;
  /** IP bytes that arrived after the warm-up, in Mbit/s. */
  readonly mbit: number;
  /** Share of the packets sent after the warm-up that did not arrive. */
  readonly loss: number;
}

export interface Outcome {
  /** IP bytes through the bottleneck after the warm-up, of what it could carry. */
  readonly utilisation: number;
  readonly flows: readonly FlowOutcome[];
  /** Mean of what packets left behind in the queue after the warm-up, in ms at the path's rate. */
  readonly queueMs: number;
  readonly drops: number;
}

const UNLIMITED: Application = { bytes: Number.POSITIVE_INFINITY };
const US = 1000;
/** Flows do not start in step: up to so much later. */
const START_SPREAD_US = 10_000;

const bdpBytes = ({ mbit, rttMs }: PathSpec): number => (mbit * rttMs * 1000) / 8;

/** Bits that the path could have carried between two times, in ms. */
const capacityBits = ({ mbit, steps = [] }: PathSpec, fromMs: number, toMs: number): number => {
  const edges = [{ atMs: 0, mbit }, ...steps, { atMs: Number.POSITIVE_INFINITY, mbit: 0 }];
  let bits = 0;
  for (let i = 0; i + 1 < edges.length; i++) {
    const [edge, next] = [edges[i] as (typeof edges)[0], edges[i + 1] as (typeof edges)[0]];
    const lasts = Math.min(next.atMs, toMs) - Math.max(edge.atMs, fromMs);
    if (lasts > 0) bits += lasts * edge.mbit * 1000;
  }
  return bits;
};

const deliver: Next = (packet) => packet.deliver(packet);

/** From the bottleneck on: what the path does to packets, then half of the round trip. */
const farStages = (events: Events, random: SeededRandom, path: PathSpec, rttMs: number, arrive: Next): Next => {
  let next = delay(events, (rttMs * US) / 2, arrive);
  if (path.reorder !== undefined) next = reorder(events, random, path.reorder.share, path.reorder.ms * US, next);
  if (path.jitterMs !== undefined) next = jitter(events, random, path.jitterMs * US, next);
  if (path.burstLoss !== undefined) next = burstLoss(random, path.burstLoss.good, path.burstLoss.bad, next);
  return path.loss === undefined ? next : loss(random, path.loss, next);
};

/** Runs flows over a path in virtual time. The same specification gives the same outcome, to the bit. */
export const runExperiment = ({ path, flows, seconds, warmUpSeconds, seed }: ExperimentSpec): Outcome => {
  const events = new Events();
  const random = new SeededRandom(seed);
  const warmUp = warmUpSeconds * 1e6;
  const far: Next[] = [];
  const queueBytes = Math.max(path.queueBdp * bdpBytes(path), 3000);
  const queue = path.codel ? new CoDel(queueBytes) : new DropTail(queueBytes);
  const neck = new Bottleneck(events, path.mbit * 1e6, queue, (packet) => far[packet.flow]?.(packet));
  for (const { atMs, mbit } of path.steps ?? []) events.plan(atMs * US, () => neck.setRate(mbit * 1e6));
  const entry =
    path.policer === undefined
      ? neck.send
      : policer(events, path.policer.mbit * 1e6, path.policer.burstBytes, neck.send);
  let [carried, queued, seen] = [0, 0, 0];
  neck.observe((packet, now, left) => {
    if (now < warmUp) return;
    carried += packet.size;
    queued += left;
    seen++;
  });
  const made = flows.map((spec, id) => {
    const recorder = new Recorder(warmUp);
    const rttMs = spec.rttMs ?? path.rttMs;
    far.push(
      farStages(events, random, path, rttMs, (packet) => {
        recorder.onArrived(packet, events.now);
        deliver(packet);
      }),
    );
    const back = delay(events, (rttMs * US) / 2, deliver);
    const flow = new Flow(events, {
      id,
      seed: seed * 1000 + id,
      controller: controllerNamed(spec.controller),
      startUs: (spec.startMs ?? 0) * US + random.next() * START_SPREAD_US,
      application: spec.application ?? UNLIMITED,
      forward: (packet) => {
        recorder.onSent(events.now);
        entry(packet);
      },
      back: path.ackSlotMs === undefined ? back : slots(events, path.ackSlotMs * US, back),
    });
    return { flow, recorder };
  });
  events.runUntil(seconds * 1e6);
  const after = (seconds - warmUpSeconds) * 1e6;
  return {
    utilisation: (carried * 8) / capacityBits(path, warmUpSeconds * 1000, seconds * 1000),
    queueMs: seen === 0 ? 0 : (queued * 8) / seen / (path.mbit * 1000),
    drops: queue.drops,
    flows: made.map(({ flow, recorder }) => ({
      flow,
      recorder,
      mbit: (recorder.bytes * 8) / after,
      loss: recorder.sentPackets === 0 ? 0 : Math.max(0, 1 - recorder.arrivedPackets / recorder.sentPackets),
    })),
  };
};
