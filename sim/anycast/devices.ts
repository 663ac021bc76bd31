import type { Client } from './client.ts';
import { oneWayUs, somewhere } from './geography.ts';
import type { Pops, Tenancy } from './pops.ts';
import type { Stage } from './stage.ts';

/** Devices come in this time: before, workers hold no leases yet. */
const FIRST_COME_US = 3_500_000;
const LAST_COME_US = 500_000;
const DATA = Uint8Array.of(0);

/** How a worker knew that it may serve a device. */
type Settled = 'new' | 'confirmed' | 'dead' | 'timeout';

/** Devices, where the network leads them, and which workers have sessions of them. */
export class Devices implements Tenancy {
  readonly all: Client[] = [];
  /** Those that more than one worker has a session of. */
  readonly moving = new Set<Client>();
  readonly settledBy: Record<Settled, number> = { new: 0, confirmed: 0, dead: 0, timeout: 0 };
  moves = 0;
  readonly #stage: Stage;
  readonly #pops: () => Pops;
  readonly #byKey = new Map<string, Client>();
  readonly #cids = new Set<string>();

  /** @param pops where they go; asked for only once there are some */
  constructor(stage: Stage, pops: () => Pops) {
    this.#stage = stage;
    this.#pops = pops;
    stage.routing.onChange = (region) => this.#rerouted(region);
  }

  /** So many more come, each in its time. */
  add(count: number): void {
    for (let i = 0; i < count; i++) this.#add(this.all.length);
  }

  #add(index: number): void {
    const { random, routing, events } = this.#stage;
    const client: Client = {
      ...{ index, key: `t${index % 20}/d${index}`, at: somewhere(random), region: routing.regionOf(random) },
      ...{ route: 0, reroutedAt: 0, session: 0, arrivedAt: 0, before: 0, epoch: 0 },
      ...{ isResuming: false, cid: new Uint8Array(), holders: new Map() },
    };
    this.all.push(client);
    this.#byKey.set(client.key, client);
    events.plan(FIRST_COME_US + random.next() * LAST_COME_US, () => this.resume(client));
  }

  /** What has moved so far is forgotten. */
  begin(): void {
    this.moves = 0;
    for (const how of ['new', 'confirmed', 'dead', 'timeout'] as const) this.settledBy[how] = 0;
  }

  #rerouted(region: number): void {
    const { routing, events } = this.#stage;
    for (const client of this.all) {
      if (client.region !== region) continue;
      const route = routing.nearest(region, client.at);
      if (route === client.route) continue;
      client.route = route;
      client.reroutedAt = events.now;
    }
  }

  rttUs(client: Client, member: number): number {
    return 2 * oneWayUs(client.at, this.#stage.point(member));
  }

  /** A new connection, by a ticket where there is one: confirmed after a round trip. */
  resume(client: Client): void {
    if (client.isResuming || client.route === 0) return;
    client.isResuming = true;
    const { events } = this.#stage;
    const target = client.route;
    const since = events.now;
    events.plan(since + this.rttUs(client, target), () => {
      client.isResuming = false;
      if (client.route === target && this.#pops().serves(target)) this.#arrived(client, target, since);
    });
  }

  #arrived(client: Client, member: number, since: number): void {
    const { holders, session: last } = client;
    const old = holders.get(last);
    if (old !== undefined) old.leftAt = since;
    this.moves++;
    client.before = last;
    client.session = member;
    client.arrivedAt = this.#stage.events.now;
    client.cid = this.#cidOf(member);
    holders.set(member, { isSettled: false, leftAt: Number.POSITIVE_INFINITY });
    if (holders.size > 1) this.moving.add(client);
    this.#stage.network.node(member).act((mesh, now) => {
      client.epoch = mesh.arrive(client.key, DATA, 1, { epoch: client.epoch, member: last }, now);
    });
  }

  #cidOf(member: number): Uint8Array {
    const { cids } = this.#pops().get(member);
    const cid = new Uint8Array(17);
    cids.fill(cid);
    const text = Buffer.from(cid).toString('hex');
    if (this.#cids.has(text)) this.#stage.rules.break('cid', `${member} makes ${text} twice`);
    this.#cids.add(text);
    return cid;
  }

  sessionsAt(member: number): number {
    let count = 0;
    for (const { holders } of this.all) if (holders.has(member)) count++;
    return count;
  }

  lose(member: number): void {
    for (const client of this.all) this.#end(client, member);
  }

  /** A worker hears that a device of its own is elsewhere. */
  superseded(key: string, member: number): void {
    this.#end(this.#byKey.get(key) as Client, member);
  }

  /** A worker may serve a device. */
  settled(key: string, member: number, how: Settled): void {
    this.settledBy[how]++;
    const session = this.#byKey.get(key)?.holders.get(member);
    if (session !== undefined) session.isSettled = true;
  }

  #end(client: Client, member: number): void {
    client.holders.delete(member);
    if (client.holders.size < 2) this.moving.delete(client);
  }
}
