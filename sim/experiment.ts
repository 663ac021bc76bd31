import { type ControllerFactory, controllerNamed } from '#protocol/congestion/registry.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { Events } from './events.ts';
import { type Application, Flow } from './flow.ts';
import { Bottleneck } from './path/bottleneck.ts';
import type { Next, Packet } from './path/packet.ts';
import { CoDel, DropTail, type Queue } from './path/queue.ts';
import { burstLoss, compress, delay, jitter, loss, policer, reorder, slots } from './path/stages.ts';
import { Recorder } from './recorder.ts';

/** A path that flows share. Rates in Mbit/s of IP packets, times in ms. */
export interface PathSpec {
  readonly mbit: number;
  readonly rttMs: number;
  /** Of the queue, in bandwidth-delay products of the path. */
  readonly queueBdp: number;
  /** The queue is managed: what waits for too long is dropped, or marked where its ends understand that. */
  readonly codel?: 'drops' | 'marks';
  /** What comes while more BDP than that wait is marked with ECN-CE. */
  readonly markAboveBdp?: number;
  /** Share of packets that vanish behind the bottleneck. */
  readonly loss?: number;
  /** Mean packets between and within bursts of loss. */
  readonly burstLoss?: { readonly good: number; readonly bad: number };
  readonly jitterMs?: number;
  readonly reorder?: { readonly share: number; readonly ms: number };
  /** ACKs leave together, so often. */
  readonly ackSlotMs?: number;
  /** A share of ACKs begins a time in which all are held; then they leave at once. */
  readonly ackCompression?: { readonly share: number; readonly ms: number };
  readonly policer?: { readonly mbit: number; readonly burstBytes: number };
  readonly steps?: readonly { readonly atMs: number; readonly mbit: number }[];
  /** The route changes: so much is added to every round trip. */
  readonly detour?: { readonly atMs: number; readonly ms: number };
}

export interface FlowSpec {
  /** A name of the registry, or how to make one. */
  readonly controller: string | ControllerFactory;
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
  /** Packets that the queue marked with ECN-CE, from the start on. */
  readonly marks: number;
}

const UNLIMITED: Application = { bytes: Number.POSITIVE_INFINITY };
const US = 1000;
/** Flows do not start in step: up to so much later. */
const START_SPREAD_US = 10_000;
/** Two full packets, so that something can pass. */
const LEAST_QUEUE_BYTES = 3000;
const FLOWS_PER_SEED = 1000;
/** What leaves in the last second is not asked whether it arrived. */
const SETTLING_SECONDS = 1;

const bdpBytes = ({ mbit, rttMs }: PathSpec): number => (mbit * rttMs * 1000) / 8;

const queueOf = (path: PathSpec): Queue => {
  const bytes = Math.max(path.queueBdp * bdpBytes(path), LEAST_QUEUE_BYTES);
  if (path.codel !== undefined) return new CoDel(bytes, path.codel === 'marks');
  return new DropTail(bytes, path.markAboveBdp === undefined ? undefined : path.markAboveBdp * bdpBytes(path));
};

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
const farStages = (events: Events, random: SeededRandom, path: PathSpec, halfUs: () => number, arrive: Next): Next => {
  let next = delay(events, halfUs, arrive);
  if (path.reorder !== undefined) next = reorder(events, random, path.reorder.share, path.reorder.ms * US, next);
  if (path.jitterMs !== undefined) next = jitter(events, random, path.jitterMs * US, next);
  if (path.burstLoss !== undefined) next = burstLoss(random, path.burstLoss.good, path.burstLoss.bad, next);
  return path.loss === undefined ? next : loss(random, path.loss, next);
};

/** Flows over a path in virtual time. The same specification gives the same outcome, to the bit. */
export class Experiment {
  readonly events = new Events();
  readonly flows: readonly Flow[];
  readonly recorders: readonly Recorder[];
  readonly #spec: ExperimentSpec;
  readonly #random: SeededRandom;
  readonly #neck: Bottleneck;
  readonly #far: Next[] = [];
  #carried = 0;
  #queued = 0;
  #seen = 0;
  /** Whether a packet vanishes behind the bottleneck, besides what the path does. */
  loses: (packet: Packet) => boolean = () => false;
  /** ACKs leave together, so often, in ms; 0: at once. */
  ackSlotMs: number;

  constructor(spec: ExperimentSpec) {
    const { path, flows } = spec;
    this.#spec = spec;
    this.#random = new SeededRandom(spec.seed);
    this.ackSlotMs = path.ackSlotMs ?? 0;
    this.recorders = flows.map(() => new Recorder(this.#warmUp, (spec.seconds - SETTLING_SECONDS) * 1e6));
    const queue = queueOf(path);
    this.#neck = new Bottleneck(this.events, path.mbit * 1e6, queue, (packet) => this.#far[packet.flow]?.(packet));
    this.#neck.observe((packet, now, left) => this.#onCarried(packet, now, left));
    for (const { atMs, mbit } of path.steps ?? []) this.events.plan(atMs * US, () => this.setMbit(mbit));
    this.flows = flows.map((flow, id) => this.#addFlow(flow, id));
  }

  /** The bottleneck has another rate from now on. */
  setMbit(mbit: number): void {
    this.#neck.setRate(mbit * 1e6);
  }

  runUntil(ms: number): void {
    this.events.runUntil(ms * US);
  }

  /** Runs until the condition holds, asked once a millisecond. @returns whether it did within so many ms */
  runWhile(condition: () => boolean, limitMs: number): boolean {
    const end = this.events.now + limitMs * US;
    while (condition()) {
      if (this.events.now >= end) return false;
      this.events.runUntil(this.events.now + US);
    }
    return true;
  }

  /** Runs to the end. */
  finish(): Outcome {
    const { path, seconds, warmUpSeconds } = this.#spec;
    this.runUntil(seconds * 1000);
    const after = seconds * 1e6 - this.#warmUp;
    return {
      utilisation: (this.#carried * 8) / capacityBits(path, warmUpSeconds * 1000, seconds * 1000),
      queueMs: this.#seen === 0 ? 0 : (this.#queued * 8) / this.#seen / (path.mbit * 1000),
      drops: this.#neck.queue.drops,
      marks: this.#neck.queue.marks,
      flows: this.recorders.map((recorder) => ({
        recorder,
        mbit: (recorder.bytes * 8) / after,
        loss: recorder.sentPackets === 0 ? 0 : Math.max(0, 1 - recorder.arrivedPackets / recorder.sentPackets),
      })),
    };
  }

  get #warmUp(): number {
    return this.#spec.warmUpSeconds * 1e6;
  }

  #onCarried(packet: Packet, now: number, left: number): void {
    if (now < this.#warmUp) return;
    this.#carried += packet.size;
    this.#queued += left;
    this.#seen++;
  }

  #addFlow(spec: FlowSpec, id: number): Flow {
    const { path, seed } = this.#spec;
    const { events } = this;
    const rttMs = spec.rttMs ?? path.rttMs;
    const { detour = { atMs: 0, ms: 0 } } = path;
    const half = () => ((rttMs + (events.now < detour.atMs * US ? 0 : detour.ms)) * US) / 2;
    const recorder = this.recorders[id] as Recorder;
    const far = farStages(events, this.#random, path, half, (packet) => {
      recorder.onArrived(packet, events.now);
      deliver(packet);
    });
    this.#far.push((packet) => {
      if (!this.loses(packet)) far(packet);
    });
    const away = delay(events, half, deliver);
    const squeeze = path.ackCompression;
    const back = squeeze === undefined ? away : compress(events, this.#random, squeeze.share, squeeze.ms * US, away);
    const entry = this.#entry();
    return new Flow(events, {
      id,
      seed: seed * FLOWS_PER_SEED + id,
      controller: typeof spec.controller === 'string' ? controllerNamed(spec.controller) : spec.controller,
      startUs: (spec.startMs ?? 0) * US + this.#random.next() * START_SPREAD_US,
      application: spec.application ?? UNLIMITED,
      forward: (packet) => {
        recorder.onSent(events.now);
        entry(packet);
      },
      back: slots(events, () => this.ackSlotMs * US, back),
    });
  }

  #entry(): Next {
    const { policer: limit } = this.#spec.path;
    const { send } = this.#neck;
    return limit === undefined ? send : policer(this.events, limit.mbit * 1e6, limit.burstBytes, send);
  }
}

/** @returns what came out in the end */
export const runExperiment = (spec: ExperimentSpec): Outcome => new Experiment(spec).finish();
