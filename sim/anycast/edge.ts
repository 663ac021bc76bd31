import type { MeshSink } from '#protocol/mesh/sink.ts';
import type { Node } from '#protocol/mesh/testing/network.ts';
import { Devices } from './devices.ts';
import { Pops } from './pops.ts';
import { Stage } from './stage.ts';
import { Watch } from './watch.ts';

export interface EdgeOptions {
  readonly seed: number;
  readonly pops: number;
  readonly clients: number;
  /** Is told what happens, a line at a time. */
  readonly trace: (line: string) => void;
}

/** PoPs of one worker each, clients at an anycast address, and what both see of each other. */
export class AnycastEdge {
  readonly stage: Stage;
  readonly pops: Pops;
  readonly devices: Devices;
  readonly watch: Watch;

  constructor({ seed, pops, clients, trace }: EdgeOptions) {
    this.stage = new Stage({ seed, pops, trace, sinkOf: (stage, node) => this.#sink(stage, node) });
    this.devices = new Devices(this.stage, () => this.pops);
    this.pops = new Pops(this.stage, this.devices);
    this.devices.add(clients);
    this.watch = new Watch(this.stage, this.pops, this.devices);
    this.pops.check();
    this.watch.look();
    this.watch.lookForDoubles();
  }

  get now(): number {
    return this.stage.events.now;
  }

  run(us: number): void {
    this.stage.events.runUntil(this.now + us);
  }

  /** What was seen so far is forgotten: all has begun. */
  begin(): void {
    this.watch.begin();
    this.devices.begin();
  }

  #sink(stage: Stage, { member }: Node): MeshSink {
    const tell = (what: string): void => stage.tell(what);
    return {
      leaseChanged: (isHeld) => tell(`${member} ${isHeld ? 'holds' : 'has lost'} its lease`),
      verdict: (other, isDead) => tell(`${other} is ${isDead ? 'dead' : 'alive'} for ${member}`),
      pathChanged: (to, via) => tell(`from ${member} to ${to} via ${via}`),
      resumed: (gapUs) => tell(`${member} was stopped for ${Math.round(gapUs / 1000)} ms`),
      presence: () => {},
      superseded: ({ key }) => this.devices.superseded(key, member),
      settled: (key, _epoch, how) => this.devices.settled(key, member, how),
    };
  }
}
