import type { MeshSink } from '#protocol/mesh/sink.ts';
import { Network, type Node } from '#protocol/mesh/testing/network.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { Events } from '../events.ts';
import { oneWayUs, type Point, somewhere } from './geography.ts';
import { Routing } from './routing.ts';
import { Rules } from './rules.ts';

export interface StageOptions {
  readonly seed: number;
  readonly pops: number;
  /** Is told what happens, a line at a time. */
  readonly trace: (line: string) => void;
  /** Hears what a worker's mesh tells, from the beginning of all on. */
  readonly sinkOf: (stage: Stage, node: Node) => MeshSink;
}

/** What all parts of an edge have in common: time, chance, where the PoPs are, and the networks between them. */
export class Stage {
  readonly events = new Events();
  readonly random: SeededRandom;
  readonly members: readonly number[];
  readonly rules: Rules;
  readonly network: Network;
  readonly routing: Routing;
  /** When the last of what was done to it ends. */
  wholeAt = 0;
  readonly #points: ReadonlyMap<number, Point>;
  readonly #trace: (line: string) => void;

  constructor({ seed, pops, trace, sinkOf }: StageOptions) {
    const random = new SeededRandom(seed);
    this.random = random;
    this.#trace = trace;
    this.members = Array.from({ length: pops }, (_, i) => i + 1);
    this.#points = new Map(this.members.map((member) => [member, somewhere(random)]));
    this.rules = new Rules(this.events, (what) => this.tell(what));
    this.network = new Network({
      ...{ members: this.members, seed, schedule: this.events, sinkOf: (node) => sinkOf(this, node) },
      delayUs: (from, to) => oneWayUs(this.point(from), this.point(to)),
    });
    this.routing = new Routing(this.events, this.#points);
  }

  /** Where a PoP is. */
  point(member: number): Point {
    return this.#points.get(member) as Point;
  }

  /** Says what happens, in words, where a trace is wanted. */
  tell(what: string): void {
    this.#trace(`${(this.events.now / 1000).toFixed(1)} ms  ${what}`);
  }

  /** Something that was done to it ends then. */
  later(us: number, act: () => void): void {
    const at = this.events.now + us;
    this.wholeAt = Math.max(this.wholeAt, at);
    this.events.plan(at, act);
  }

  isRunning(member: number): boolean {
    const { isDown, isStopped } = this.network.node(member);
    return !isDown && !isStopped;
  }
}
