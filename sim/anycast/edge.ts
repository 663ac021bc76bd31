import { LEAST_WINDOW_US } from '#protocol/mesh/options.ts';
import type { PresenceRecord } from '#protocol/mesh/presence/record.ts';
import type { MeshSink } from '#protocol/mesh/sink.ts';
import { Network, type Node } from '#protocol/mesh/testing/network.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { Events } from '../events.ts';
import { FINE_TICK_US, GIVE_UP_US, OUTAGE_US, TICK_US, UNANSWERED_US } from './bounds.ts';
import type { Client } from './client.ts';
import { Gaps } from './gaps.ts';
import { oneWayUs, type Point, somewhere } from './geography.ts';
import { CHECK_US, Pop } from './pop.ts';
import { Routing } from './routing.ts';
import { Rules } from './rules.ts';

/** Upstream routers know by BFD (3×50 ms) that a PoP is gone. */
const BFD_US = 150_000;
/** Of a PoP that came back the BGP session is up after so long. */
const RETURN_US = 1_000_000;
const FLAPS = 3;
const FLAP_WINDOW_US = 60_000_000;
/** A process that was stopped for so long, four probe intervals and more, knows it. */
const KNOWS_STOPPED_US = LEAST_WINDOW_US + 50_000;
/** Devices come in this time: before, workers hold no leases yet. */
const FIRST_COME_US = 3_500_000;
const LAST_COME_US = 500_000;
const PAIRS = 300;
const DATA = Uint8Array.of(0);

export interface EdgeOptions {
  readonly seed: number;
  readonly pops: number;
  readonly clients: number;
  /** Is told what happens, a line at a time. */
  readonly trace: (line: string) => void;
}

/** PoPs of one worker each, clients at an anycast address, and what both see of each other. */
export class AnycastEdge {
  readonly events = new Events();
  readonly network: Network;
  readonly routing: Routing;
  readonly random: SeededRandom;
  readonly members: readonly number[];
  readonly rules: Rules;
  /** Of clients: what they send is not delivered, or nothing is to them. */
  readonly outages: Gaps;
  /** Of pairs of devices at living workers that packets could pass between, through a third at most. */
  readonly holes = new Gaps(PAIRS);
  readonly settledBy = { new: 0, confirmed: 0, dead: 0, timeout: 0 };
  moves = 0;
  /** The longest that a device was without service after its route had changed for the last time. */
  longestStableOutageUs = 0;
  /** When the last of what was done to it ends. */
  #wholeAt = 0;
  readonly #points: ReadonlyMap<number, Point>;
  readonly #pops: ReadonlyMap<number, Pop>;
  readonly #clients: Client[] = [];
  readonly #byKey = new Map<string, Client>();
  readonly #pairs: (readonly [Client, Client])[];
  /** Those that more than one worker has a session of. */
  readonly #moving = new Set<Client>();
  readonly #cids = new Set<string>();
  readonly #trace: (line: string) => void;

  constructor({ seed, pops, clients, trace }: EdgeOptions) {
    const random = new SeededRandom(seed);
    this.random = random;
    this.#trace = trace;
    this.members = Array.from({ length: pops }, (_, i) => i + 1);
    const points = new Map(this.members.map((member) => [member, somewhere(random)]));
    this.#points = points;
    const point = (member: number): Point => points.get(member) as Point;
    this.rules = new Rules(this.events, (what) => this.tell(what));
    this.network = new Network({
      ...{ members: this.members, seed, schedule: this.events },
      sinkOf: (node) => this.#sink(node),
      delayUs: (from, to) => oneWayUs(point(from), point(to)),
    });
    this.routing = new Routing(this.events, points);
    this.routing.onChange = (region) => this.#rerouted(region);
    this.#pops = new Map(this.members.map((member) => [member, this.#pop(member)]));
    for (let index = 0; index < clients; index++) this.#addClient(index);
    this.outages = new Gaps(clients);
    const any = (): Client => this.#clients[random.below(clients)] as Client;
    this.#pairs = Array.from({ length: PAIRS }, () => [any(), any()] as const);
    this.#checkTick();
    this.#tick();
    this.#fineTick();
  }

  run(us: number): void {
    this.events.runUntil(this.events.now + us);
  }

  /** What was seen so far is forgotten: all has begun. */
  begin(): void {
    this.outages.lengths.length = 0;
    this.holes.lengths.length = 0;
    this.moves = 0;
    for (const how of ['new', 'confirmed', 'dead', 'timeout'] as const) this.settledBy[how] = 0;
  }

  /** Says what happens, in words, where a trace is wanted. */
  tell(what: string): void {
    this.#trace(`${(this.events.now / 1000).toFixed(1)} ms  ${what}`);
  }

  get wholeAt(): number {
    return this.#wholeAt;
  }

  pop(member: number): Pop {
    return this.#pops.get(member) as Pop;
  }

  // ---- what happens to PoPs

  /** Something that was done to it ends then. */
  later(us: number, act: () => void): void {
    const at = this.events.now + us;
    this.#wholeAt = Math.max(this.#wholeAt, at);
    this.events.plan(at, act);
  }

  #isRunning(member: number): boolean {
    const { isDown, isStopped } = this.network.node(member);
    return !isDown && !isStopped;
  }

  kill(member: number, downUs: number): void {
    this.network.kill(member);
    for (const client of this.#clients) this.#end(client, member);
    this.#withdrawSoon(member);
    this.later(downUs, () => {
      this.network.restart(member);
      this.pop(member).restart();
      this.tell(`${member} starts anew`);
      this.#returnSoon(member);
    });
  }

  stop(member: number, forUs: number): void {
    const node = this.network.node(member);
    node.isStopped = true;
    this.#withdrawSoon(member);
    this.later(forUs, () => {
      node.isStopped = false;
      if (forUs >= KNOWS_STOPPED_US && this.#serves(member)) this.rules.break('resumed', `${member} serves at once`);
      this.tell(`${member} goes on`);
      node.resume();
      this.#returnSoon(member);
    });
  }

  /** Its data plane stops answering; its mesh and its BGP session go on. */
  wedge(member: number, forUs: number): void {
    const pop = this.pop(member);
    if (!this.#isRunning(member) || pop.wedgedAt !== undefined) return;
    pop.wedgedAt = this.events.now;
    this.later(forUs, () => {
      pop.wedgedAt = undefined;
    });
  }

  /** It lives, and hears its control plane, but nothing comes through its links. */
  cutOff(member: number, forUs: number): void {
    const pop = this.pop(member);
    pop.isCutOff = true;
    this.network.partition(
      [member],
      this.members.filter((other) => other !== member),
    );
    this.events.plan(this.events.now + BFD_US, () => pop.neighbour(false));
    this.later(Math.max(forUs, 2 * BFD_US), () => {
      pop.isCutOff = false;
      this.network.heal();
      this.#returnSoon(member);
    });
  }

  drain(member: number, forUs: number): void {
    const pop = this.pop(member);
    pop.order('drain', this.events.now);
    this.later(forUs, () => pop.order('serve', this.events.now));
  }

  #withdrawSoon(member: number): void {
    this.events.plan(this.events.now + BFD_US, () => {
      if (!this.#isRunning(member)) this.pop(member).neighbour(false);
    });
  }

  #returnSoon(member: number): void {
    this.later(RETURN_US, () => {
      if (this.#isRunning(member)) this.pop(member).neighbour(true);
    });
  }

  #pop(member: number): Pop {
    return new Pop({
      ...{ member, random: this.random, sessions: () => this.#sessionsAt(member) },
      advertise: (advertisement) => {
        this.tell(advertisement ? `${member} announces (${JSON.stringify(advertisement)})` : `${member} withdraws`);
        this.routing.announce(member, advertisement);
      },
    });
  }

  #sessionsAt(member: number): number {
    let count = 0;
    for (const { holders } of this.#clients) if (holders.has(member)) count++;
    return count;
  }

  #checkTick(): void {
    const { now } = this.events;
    for (const [member, pop] of this.#pops) {
      if (!this.#isRunning(member)) continue;
      const wasDraining = pop.isDraining;
      pop.check(now);
      const { drain } = pop.announcer;
      if (wasDraining && drain?.ended?.how === 'moved' && this.#sessionsAt(member) > 0)
        this.rules.break('drain', `${member} is drained and has ${this.#sessionsAt(member)} sessions`);
      if (pop.isLateToWithdraw(now)) this.rules.break('withdrawn', `${member} is stuck`);
      const lately = pop.withdrawals.filter((at) => now - at < FLAP_WINDOW_US);
      if (lately.length > FLAPS) this.rules.break('flaps', `${member}, ${lately.length} times`);
    }
    this.events.plan(now + CHECK_US, () => this.#checkTick());
  }

  // ---- devices

  #addClient(index: number): void {
    const { random } = this;
    const client: Client = {
      ...{ index, key: `t${index % 20}/d${index}`, at: somewhere(random), region: this.routing.regionOf(random) },
      ...{
        route: 0,
        reroutedAt: 0,
        session: 0,
        arrivedAt: 0,
        before: 0,
        epoch: 0,
        isResuming: false,
        cid: new Uint8Array(),
        holders: new Map(),
      },
    };
    this.#clients.push(client);
    this.#byKey.set(client.key, client);
    this.events.plan(FIRST_COME_US + random.next() * LAST_COME_US, () => this.#resume(client));
  }

  #rerouted(region: number): void {
    for (const client of this.#clients) {
      if (client.region !== region) continue;
      const route = this.routing.nearest(region, client.at);
      if (route === client.route) continue;
      client.route = route;
      client.reroutedAt = this.events.now;
    }
  }

  #rttUs(client: Client, member: number): number {
    return 2 * oneWayUs(client.at, this.#points.get(member) as Point);
  }

  /** A new connection, by a ticket where there is one: confirmed after a round trip. */
  #resume(client: Client): void {
    if (client.isResuming || client.route === 0) return;
    client.isResuming = true;
    const target = client.route;
    const since = this.events.now;
    this.events.plan(since + this.#rttUs(client, target), () => {
      client.isResuming = false;
      if (client.route === target && this.#serves(target)) this.#arrived(client, target, since);
    });
  }

  #arrived(client: Client, member: number, since: number): void {
    const { holders, session: last } = client;
    const old = holders.get(last);
    if (old !== undefined) old.leftAt = since;
    this.moves++;
    client.before = last;
    client.session = member;
    client.arrivedAt = this.events.now;
    client.cid = this.#cidOf(member);
    holders.set(member, { isSettled: false, leftAt: Number.POSITIVE_INFINITY });
    if (holders.size > 1) this.#moving.add(client);
    this.network.node(member).act((mesh, now) => {
      client.epoch = mesh.arrive(client.key, DATA, 1, { epoch: client.epoch, member: last }, now);
    });
  }

  #cidOf(member: number): Uint8Array {
    const { cids } = this.pop(member);
    const cid = new Uint8Array(17);
    cids.fill(cid);
    const text = Buffer.from(cid).toString('hex');
    if (this.#cids.has(text)) this.rules.break('cid', `${member} makes ${text} twice`);
    this.#cids.add(text);
    return cid;
  }

  #end(client: Client, member: number): void {
    client.holders.delete(member);
    if (client.holders.size < 2) this.#moving.delete(client);
  }

  #sink({ member }: Node): MeshSink {
    return {
      leaseChanged: (isHeld) => this.tell(`${member} ${isHeld ? 'holds' : 'has lost'} its lease`),
      verdict: (other, isDead) => this.tell(`${other} is ${isDead ? 'dead' : 'alive'} for ${member}`),
      pathChanged: (to, via) => this.tell(`from ${member} to ${to} via ${via}`),
      resumed: (gapUs) => this.tell(`${member} was stopped for ${Math.round(gapUs / 1000)} ms`),
      presence: () => {},
      superseded: ({ key }: PresenceRecord) => this.#end(this.#byKey.get(key) as Client, member),
      settled: (key, _epoch, how) => {
        this.settledBy[how]++;
        const session = this.#byKey.get(key)?.holders.get(member);
        if (session !== undefined) session.isSettled = true;
      },
    };
  }

  // ---- what is seen

  /** Whether a worker does anything for devices now. */
  #serves(member: number): boolean {
    const { isDown, isStopped, mesh } = this.network.node(member);
    const { wedgedAt, isCutOff } = this.pop(member);
    return !isDown && !isStopped && !isCutOff && wedgedAt === undefined && mesh.mayServe(this.events.now);
  }

  /** Whether a worker sends a device what is for it. */
  #delivers(client: Client, member: number): boolean {
    const session = client.holders.get(member);
    if (!session?.isSettled || !this.#serves(member)) return false;
    if (session.leftAt === Number.POSITIVE_INFINITY) return true;
    const rttUs = this.#rttUs(client, member);
    const holds = this.network.node(member).mesh.holdsLease(this.events.now);
    // Without a lease it sends only what the device answered for after it came.
    return this.events.now < session.leftAt + (holds ? Math.max(UNANSWERED_US, 3 * rttUs) : rttUs / 2);
  }

  /** Whether a packet gets from one worker to another by the way that the first one takes. */
  #passes(from: number, to: number): boolean {
    const { network } = this;
    const via = network.node(from).mesh.via(to, this.events.now);
    if (via < 0) return false;
    this.rules.hops(from, via, to);
    if (via === 0) return network.isLinked(from, to) && !network.way(from, to).cut;
    return this.#isRunning(via) && this.#isWhole(from, via) && this.#isWhole(via, to);
  }

  #isWhole(from: number, to: number): boolean {
    return this.network.isLinked(from, to) && !this.network.way(from, to).cut;
  }

  /** Whether there is any way that leads through one third worker at most. */
  #couldPass(from: number, to: number): boolean {
    const { network } = this;
    const areWhole = (a: number, b: number): boolean => !network.way(a, b).cut && !network.way(b, a).cut;
    if (areWhole(from, to)) return true;
    return this.members.some((via) => this.#isRunning(via) && areWhole(from, via) && areWhole(via, to));
  }

  #tick(): void {
    const { now } = this.events;
    for (const client of this.#clients) this.#look(client, now);
    for (const [i, [one, other]] of this.#pairs.entries()) this.#lookAtPair(i, one, other, now);
    this.rules.leases(this.network);
    this.events.plan(now + TICK_US, () => this.#tick());
  }

  #look(client: Client, now: number): void {
    const { route, session, before, index } = client;
    if (session === 0 || route === 0) return;
    if (this.#serves(route) && this.#reaches(client, route, session)) {
      if (this.#delivers(client, session) || this.#delivers(client, before)) this.outages.works(index, now);
      else this.#lacks(client, now);
      // GOAWAY: whoever is led elsewhere goes there.
      if (route !== session && this.pop(session).isDraining) this.#resume(client);
      return;
    }
    const since = Math.max(this.#lacks(client, now), client.arrivedAt);
    if (now - since >= GIVE_UP_US) this.#resume(client);
  }

  /** A device has no service. @returns since when */
  #lacks(client: Client, now: number): number {
    const since = now - this.outages.fails(client.index, now);
    const stable = now - Math.max(since, client.reroutedAt);
    this.longestStableOutageUs = Math.max(this.longestStableOutageUs, stable);
    if (stable > OUTAGE_US)
      this.rules.break('outage', `device ${client.index}, ${stable / 1000} ms after its route changed`);
    return since;
  }

  /** Whether its packets get to the worker of its connection; where that is gone it is told so, and resumes. */
  #reaches(client: Client, route: number, session: number): boolean {
    if (route !== session) {
      const { cids } = this.pop(route);
      // As the data plane: whose connection ID it is, decides.
      if (!cids.read(client.cid, 0, client.cid.length) || cids.workerNumber !== session)
        this.rules.break('cid', `one of ${session} reads as ${cids.workerNumber}`);
      if (this.network.node(route).mesh.isDead(session, this.events.now)) {
        this.rules.reset(this.network, session);
        this.#resume(client);
        return false;
      }
      // Handed over directly, never through a third.
      if (this.network.way(route, session).cut || !this.#serves(session)) return false;
    }
    if (client.holders.has(session)) return true;
    // It does not know the connection, and says so (stateless reset).
    this.#resume(client);
    return false;
  }

  /** Devices that are served where they are reach each other, wherever that is. */
  #lookAtPair(i: number, one: Client, other: Client, now: number): void {
    const [from, to] = [one.session, other.session];
    const canAsk =
      from !== 0 && to !== 0 && this.#delivers(other, to) && this.#serves(from) && this.#couldPass(from, to);
    if (!canAsk) this.holes.forget(i);
    else if (from === to) this.holes.works(i, now);
    else {
      const record = this.network.node(from).mesh.gossip.table.get(other.key);
      const isKnown = record !== undefined && !record.gone && record.member === to;
      if (isKnown && this.#passes(from, to)) this.holes.works(i, now);
      else this.holes.fails(i, now);
    }
  }

  #fineTick(): void {
    for (const client of this.#moving) {
      const delivering = [...client.holders.keys()].filter((member) => this.#delivers(client, member));
      if (delivering.length < 2) this.rules.single(client.index);
      else this.rules.double(client.index, this.#longestRttUs(delivering), FINE_TICK_US);
    }
    this.events.plan(this.events.now + FINE_TICK_US, () => this.#fineTick());
  }

  #longestRttUs(members: readonly number[]): number {
    let longest = 0;
    for (const a of members) for (const b of members) longest = Math.max(longest, 2 * this.network.way(a, b).delayUs);
    return longest;
  }

  // ---- when all is whole again

  /** @returns what is not the same everywhere yet; undefined: all is */
  difference(): string | undefined {
    const [first, ...others] = [...this.network.nodes.values()] as [Node, ...Node[]];
    const sums = (node: Node): string => node.mesh.gossip.table.tree.children(0, 0).join();
    const other = others.find((node) => sums(node) !== sums(first));
    if (other !== undefined) return `the tables of ${first.member} and ${other.member} differ`;
    for (const { key, session, holders } of this.#clients) {
      const record = first.mesh.gossip.table.get(key);
      if (record?.gone !== false || record.member !== session) return `${key} is at ${session}, not where tables say`;
      if (holders.size !== 1 || !holders.has(session)) return `${key} is at ${[...holders.keys()].join(' and ')}`;
    }
    return undefined;
  }
}
