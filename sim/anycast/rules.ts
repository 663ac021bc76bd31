import type { Network } from '#protocol/mesh/testing/network.ts';
import type { Events } from '../events.ts';

/** What must never be, whatever happens. */
export const RULES = {
  loop: 'no packet goes through two workers besides its own, or to one again',
  cid: 'a connection ID names the worker that made it, and none is made twice',
  lease: 'nobody who holds its lease is dead for anybody',
  reset: 'no stateless reset in the name of a worker that holds its lease',
  double: 'two workers do not deliver to one device for longer than a round trip between them',
  resumed: 'a worker that was stopped delivers nothing before it has asked the others',
  outage: 'no device is without service for longer than stated after its route changed for the last time',
  hole: 'no two served devices fail to reach each other for longer than stated',
  withdrawn: 'a worker whose check failed is not announced 50 ms later',
  flaps: 'a worker that comes and goes is held back after the third time in a minute',
  drain: 'a drain that says that all have moved left nobody behind',
  equal: 'after all is whole again, within the stated time, tables are the same and each device is at one worker',
} as const;
export type Rule = keyof typeof RULES;

/** Watches the rules; of each the first time that it was broken is kept. */
export class Rules {
  readonly broken = new Map<Rule, string>();
  readonly #events: Events;
  /** For how long two workers have sent to a device, by device. */
  readonly #doubles = new Map<number, number>();
  /** Longest such time, in microseconds. */
  longestDoubleUs = 0;
  /** How often two did. */
  doubles = 0;
  resets = 0;
  mostHops = 0;

  readonly #tell: (what: string) => void;

  constructor(events: Events, tell: (what: string) => void) {
    this.#events = events;
    this.#tell = tell;
  }

  break(rule: Rule, what: string): void {
    this.#tell(`BROKEN, ${rule}: ${what}`);
    if (!this.broken.has(rule)) this.broken.set(rule, `at ${(this.#events.now / 1000).toFixed(1)} ms: ${what}`);
  }

  /** A packet goes from one worker to another, through a third or not. */
  hops(from: number, via: number, to: number): void {
    if (from === to || via === from || via === to) this.break('loop', `from ${from} to ${to} via ${via}`);
    this.mostHops = Math.max(this.mostHops, via === 0 ? 1 : 2);
  }

  /** A stateless reset is sent in a worker's name. */
  reset(network: Network, member: number): void {
    const { isDown, isStopped, mesh } = network.node(member);
    this.resets++;
    if (!isDown && !isStopped && mesh.holdsLease(this.#events.now)) this.break('reset', `${member} holds its lease`);
  }

  leases(network: Network): void {
    const { now } = this.#events;
    for (const { mesh, isDown, isStopped } of network.nodes.values()) {
      if (isDown || isStopped) continue;
      for (const member of mesh.dead()) {
        const other = network.node(member);
        if (!other.isDown && !other.isStopped && mesh.isDead(member, now) && other.mesh.holdsLease(now)) {
          this.break('lease', `${member} holds its lease and is dead for ${mesh.own}`);
        }
      }
    }
  }

  single(client: number): void {
    this.#doubles.delete(client);
  }

  /** Two workers deliver to one device. @param tickUs how fine it is looked at */
  double(client: number, rttUs: number, tickUs: number): void {
    const before = this.#doubles.get(client);
    if (before === undefined) this.doubles++;
    const lasted = (before ?? 0) + tickUs;
    this.#doubles.set(client, lasted);
    this.longestDoubleUs = Math.max(this.longestDoubleUs, lasted);
    if (lasted > rttUs + tickUs)
      this.break('double', `device ${client}, for ${lasted / 1000} ms; a round trip is ${rttUs / 1000} ms`);
  }
}
