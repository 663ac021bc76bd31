import type { PresenceRecord } from '../presence/record.ts';
import type { MeshSink } from '../sink.ts';
import { Network, type Node, Steps } from './network.ts';

/** Something that a worker was told, in words. */
export interface Told {
  readonly at: number;
  readonly member: number;
  readonly what: string;
}

export const MS = 1000;

/** A few workers, a link of 10 ms each way between any two, and what they were told. */
export class Scene {
  readonly steps = new Steps();
  readonly told: Told[] = [];
  readonly network: Network;

  constructor(
    count: number,
    { delayMs = () => 10, seed = 1 }: { delayMs?: (from: number, to: number) => number; seed?: number } = {},
  ) {
    this.network = new Network({
      members: Array.from({ length: count }, (_, i) => i + 1),
      ...{ seed, schedule: this.steps, sinkOf: (node: Node) => this.#sink(node) },
      delayUs: (from, to) => delayMs(from, to) * MS,
    });
  }

  run(ms: number): void {
    this.steps.run(ms * MS);
  }

  mesh(member: number) {
    return this.network.node(member).mesh;
  }

  /** What a member was told since, or all; without the time. */
  heard(member: number, sinceMs = 0): string[] {
    return this.told.filter((told) => told.member === member && told.at >= sinceMs * MS).map(({ what }) => what);
  }

  get nowMs(): number {
    return this.steps.now / MS;
  }

  holds(): number[] {
    return [...this.network.nodes.values()]
      .filter(({ mesh }) => mesh.holdsLease(this.steps.now))
      .map(({ member }) => member);
  }

  /** Members that this one takes for dead. */
  dead(member: number): number[] {
    return [...this.network.nodes.keys()].filter((other) => this.mesh(member).isDead(other, this.steps.now));
  }

  #sink({ member }: Node): MeshSink {
    const tell = (what: string): void => void this.told.push({ at: this.steps.now, member, what });
    const where = ({ key, member: at, gone, epoch }: PresenceRecord): string =>
      `${key} ${gone ? 'left' : 'at'} ${at} (${epoch})`;
    return {
      leaseChanged: (isHeld) => tell(`lease ${isHeld ? 'held' : 'lost'}`),
      verdict: (other, isDead) => tell(`${other} ${isDead ? 'dead' : 'alive'}`),
      pathChanged: (other, via) => tell(`to ${other} via ${via}`),
      resumed: (gapUs) => tell(`stopped for ${Math.round(gapUs / MS)} ms`),
      presence: (record) => tell(where(record)),
      superseded: (record) => tell(`superseded: ${where(record)}`),
      settled: (key, epoch, how) => tell(`settled ${key} (${epoch}): ${how}`),
    };
  }
}
