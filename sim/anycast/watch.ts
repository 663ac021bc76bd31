import type { Node } from '#protocol/mesh/testing/network.ts';
import { FINE_TICK_US, GIVE_UP_US, OUTAGE_US, TICK_US, UNANSWERED_US } from './bounds.ts';
import type { Client } from './client.ts';
import type { Devices } from './devices.ts';
import { Gaps } from './gaps.ts';
import type { Pops } from './pops.ts';
import type { Stage } from './stage.ts';

const PAIRS = 300;

/** What devices and workers see of each other, each moment: who is served, by whom, and who reaches whom. */
export class Watch {
  /** Of clients: what they send is not delivered, or nothing is to them. */
  readonly outages: Gaps;
  /** Of pairs of devices at living workers that packets could pass between, through a third at most. */
  readonly holes = new Gaps(PAIRS);
  /** The longest that a device was without service after its route had changed for the last time. */
  longestStableOutageUs = 0;
  readonly #stage: Stage;
  readonly #pops: Pops;
  readonly #devices: Devices;
  readonly #pairs: (readonly [Client, Client])[];

  constructor(stage: Stage, pops: Pops, devices: Devices) {
    this.#stage = stage;
    this.#pops = pops;
    this.#devices = devices;
    const { all } = devices;
    this.outages = new Gaps(all.length);
    const any = (): Client => all[stage.random.below(all.length)] as Client;
    this.#pairs = Array.from({ length: PAIRS }, () => [any(), any()] as const);
  }

  /** What was seen so far is forgotten. */
  begin(): void {
    this.outages.lengths.length = 0;
    this.holes.lengths.length = 0;
  }

  /** Looks at all, now and each `TICK_US`. */
  look(): void {
    const { events, rules, network } = this.#stage;
    const { now } = events;
    for (const client of this.#devices.all) this.#lookAt(client, now);
    for (const [i, [one, other]] of this.#pairs.entries()) this.#lookAtPair(i, one, other, now);
    rules.leases(network);
    events.plan(now + TICK_US, () => this.look());
  }

  #lookAt(client: Client, now: number): void {
    const { route, session, before, index } = client;
    if (session === 0 || route === 0) return;
    if (this.#pops.serves(route) && this.#reaches(client, route, session)) {
      if (this.#delivers(client, session) || this.#delivers(client, before)) this.outages.works(index, now);
      else this.#lacks(client, now);
      // GOAWAY: whoever is led elsewhere goes there.
      if (route !== session && this.#pops.get(session).isDraining) this.#devices.resume(client);
      return;
    }
    const since = Math.max(this.#lacks(client, now), client.arrivedAt);
    if (now - since >= GIVE_UP_US) this.#devices.resume(client);
  }

  /** A device has no service. @returns since when */
  #lacks(client: Client, now: number): number {
    const since = now - this.outages.fails(client.index, now);
    const stable = now - Math.max(since, client.reroutedAt);
    this.longestStableOutageUs = Math.max(this.longestStableOutageUs, stable);
    if (stable > OUTAGE_US)
      this.#stage.rules.break('outage', `device ${client.index}, ${stable / 1000} ms after its route changed`);
    return since;
  }

  /** Whether its packets get to the worker of its connection; where that is gone it is told so, and resumes. */
  #reaches(client: Client, route: number, session: number): boolean {
    if (route !== session) {
      const { network, rules, events } = this.#stage;
      const { cids } = this.#pops.get(route);
      // As the data plane: whose connection ID it is, decides.
      if (!cids.read(client.cid, 0, client.cid.length) || cids.workerNumber !== session)
        rules.break('cid', `one of ${session} reads as ${cids.workerNumber}`);
      if (network.node(route).mesh.isDead(session, events.now)) {
        rules.reset(network, session);
        this.#devices.resume(client);
        return false;
      }
      // Handed over directly, never through a third.
      if (network.way(route, session).cut || !this.#pops.serves(session)) return false;
    }
    if (client.holders.has(session)) return true;
    // It does not know the connection, and says so (stateless reset).
    this.#devices.resume(client);
    return false;
  }

  /** Whether a worker sends a device what is for it. */
  #delivers(client: Client, member: number): boolean {
    const session = client.holders.get(member);
    if (!session?.isSettled || !this.#pops.serves(member)) return false;
    if (session.leftAt === Number.POSITIVE_INFINITY) return true;
    const { network, events } = this.#stage;
    const rttUs = this.#devices.rttUs(client, member);
    const holds = network.node(member).mesh.holdsLease(events.now);
    // Without a lease it sends only what the device answered for after it came.
    return events.now < session.leftAt + (holds ? Math.max(UNANSWERED_US, 3 * rttUs) : rttUs / 2);
  }

  /** Devices that are served where they are reach each other, wherever that is. */
  #lookAtPair(i: number, one: Client, other: Client, now: number): void {
    const [from, to] = [one.session, other.session];
    const canAsk =
      from !== 0 && to !== 0 && this.#delivers(other, to) && this.#pops.serves(from) && this.#couldPass(from, to);
    if (!canAsk) this.holes.forget(i);
    else if (from === to) this.holes.works(i, now);
    else {
      const record = this.#stage.network.node(from).mesh.gossip.table.get(other.key);
      const isKnown = record !== undefined && !record.gone && record.member === to;
      if (isKnown && this.#passes(from, to)) this.holes.works(i, now);
      else this.holes.fails(i, now);
    }
  }

  /** Whether a packet gets from one worker to another by the way that the first one takes. */
  #passes(from: number, to: number): boolean {
    const { network, events, rules } = this.#stage;
    const via = network.node(from).mesh.via(to, events.now);
    if (via < 0) return false;
    rules.hops(from, via, to);
    const isWhole = (a: number, b: number): boolean => network.isLinked(a, b) && !network.way(a, b).cut;
    if (via === 0) return isWhole(from, to);
    return this.#stage.isRunning(via) && isWhole(from, via) && isWhole(via, to);
  }

  /** Whether there is any way that leads through one third worker at most. */
  #couldPass(from: number, to: number): boolean {
    const { network, members } = this.#stage;
    const areWhole = (a: number, b: number): boolean => !network.way(a, b).cut && !network.way(b, a).cut;
    if (areWhole(from, to)) return true;
    return members.some((via) => this.#stage.isRunning(via) && areWhole(from, via) && areWhole(via, to));
  }

  /** Looks whether two workers deliver to one device, now and each `FINE_TICK_US`. */
  lookForDoubles(): void {
    const { events, rules } = this.#stage;
    for (const client of this.#devices.moving) {
      const delivering = [...client.holders.keys()].filter((member) => this.#delivers(client, member));
      if (delivering.length < 2) rules.single(client.index);
      else rules.double(client.index, this.#longestRttUs(delivering), FINE_TICK_US);
    }
    events.plan(events.now + FINE_TICK_US, () => this.lookForDoubles());
  }

  #longestRttUs(members: readonly number[]): number {
    const { network } = this.#stage;
    let longest = 0;
    for (const a of members) for (const b of members) longest = Math.max(longest, 2 * network.way(a, b).delayUs);
    return longest;
  }

  /** @returns what is not the same everywhere, once all is whole again; undefined: all is */
  difference(): string | undefined {
    const [first, ...others] = [...this.#stage.network.nodes.values()] as [Node, ...Node[]];
    const sums = (node: Node): string => node.mesh.gossip.table.tree.children(0, 0).join();
    const other = others.find((node) => sums(node) !== sums(first));
    if (other !== undefined) return `the tables of ${first.member} and ${other.member} differ`;
    for (const { key, session, holders } of this.#devices.all) {
      const record = first.mesh.gossip.table.get(key);
      if (record?.gone !== false || record.member !== session) return `${key} is at ${session}, not where tables say`;
      if (holders.size !== 1 || !holders.has(session)) return `${key} is at ${[...holders.keys()].join(' and ')}`;
    }
    return undefined;
  }
}
