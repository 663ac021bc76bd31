import { SeededRandom } from '#protocol/quic/testing/random.ts';
import type { TimeUs } from '../../contract.ts';
import { Mesh } from '../mesh.ts';
import type { MeshOut, MeshSink } from '../sink.ts';

/** Virtual time. */
export interface Schedule {
  readonly now: TimeUs;
  plan(at: TimeUs, act: () => void): void;
}

/** A schedule for small networks. */
export class Steps implements Schedule {
  now: TimeUs = 0;
  readonly #planned: { readonly at: TimeUs; readonly act: () => void }[] = [];

  plan(at: TimeUs, act: () => void): void {
    const planned = this.#planned;
    let [low, high] = [0, planned.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((planned[middle] as { at: TimeUs }).at > at) low = middle + 1;
      else high = middle;
    }
    planned.splice(low, 0, { at, act });
  }

  /** @param us how much time passes */
  run(us: number): void {
    const end = this.now + us;
    for (let next = this.#planned.at(-1); next !== undefined && next.at <= end; next = this.#planned.at(-1)) {
      this.#planned.pop();
      this.now = Math.max(this.now, next.at);
      next.act();
    }
    this.now = end;
  }
}

/** One way between two members. */
export interface Way {
  /** One-way delay in microseconds. */
  delayUs: number;
  /** Share of datagrams that is lost. What is on streams comes later instead. */
  loss: number;
  /** Nothing comes through. */
  cut: boolean;
}

export type SinkOf = (node: Node) => MeshSink;

/** How long QUIC takes to notice that its peer is silent, and to connect anew. */
export const IDLE_US = 3_000_000;
export const RECONNECT_US = 500_000;
/** What is lost on a stream is sent again so much later than a round trip; while nothing comes through, so often. */
const RETRANSMIT_US = 25_000;
const RETRANSMIT_CUT_US = 100_000;

/** A worker in the network. */
export class Node {
  readonly member: number;
  mesh: Mesh;
  incarnation = 1;
  /** Stopped (SIGSTOP): it neither hears nor says anything; what comes waits. */
  isStopped = false;
  isDown = false;
  readonly #network: Network;
  readonly #out: MeshOut;
  #wakeAt: TimeUs = Number.POSITIVE_INFINITY;
  readonly waiting: (() => void)[] = [];

  constructor(network: Network, member: number) {
    this.#network = network;
    this.member = member;
    this.#out = {
      room: () => true,
      stream: (to, frame) => network.stream(member, to, frame),
      datagram: (to, bytes) => network.datagram(member, to, bytes),
    };
    this.mesh = this.#make();
  }

  #make(): Mesh {
    const random = new SeededRandom(this.#network.seed * 1000 + this.member * 10 + this.incarnation);
    const sink = this.#network.sinkOf(this);
    return new Mesh({ own: this.member, incarnation: this.incarnation, random, sink }, this.#network.schedule.now);
  }

  /** Begins anew with no memory. */
  restart(members: readonly number[]): void {
    this.incarnation++;
    this.mesh = this.#make();
    this.isDown = false;
    this.mesh.setMembers(members, this.#network.schedule.now);
    this.wake();
  }

  /** Does something with it now, or when it runs again. */
  act(what: (mesh: Mesh, now: TimeUs) => void): void {
    this.quietly(what);
    this.wake();
  }

  /** As `act`, where nothing is to be said for it at once. */
  quietly(what: (mesh: Mesh, now: TimeUs) => void): void {
    if (this.isDown) return;
    if (this.isStopped) this.waiting.push(() => this.quietly(what));
    else what(this.mesh, this.#network.schedule.now);
  }

  resume(): void {
    this.isStopped = false;
    for (const act of this.waiting.splice(0)) act();
    this.wake();
  }

  wake(): void {
    if (this.isDown || this.isStopped) return;
    const { schedule } = this.#network;
    this.mesh.poll(schedule.now, this.#out);
    const at = Math.max(this.mesh.deadline(), schedule.now + 1);
    if (at >= this.#wakeAt || at === Number.POSITIVE_INFINITY) return;
    this.#wakeAt = at;
    schedule.plan(at, () => {
      if (this.#wakeAt !== at) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.wake();
    });
  }
}

/** What is under way on a stream. */
interface Waiting {
  readonly at: TimeUs;
  readonly arrive: (mesh: Mesh, now: TimeUs) => void;
}

interface Connection {
  /** Which one it is; 0: it is over. */
  serial: number;
  silentSince: TimeUs;
  /** From the member with the lower number, and from the other. */
  readonly queues: readonly [Waiting[], Waiting[]];
}

export interface NetworkOptions {
  readonly members: readonly number[];
  readonly seed: number;
  readonly schedule: Schedule;
  readonly sinkOf: SinkOf;
  /** One-way delay in microseconds. */
  readonly delayUs: (from: number, to: number) => number;
}

/** Workers, links between them, and what happens to these. */
export class Network {
  readonly seed: number;
  readonly schedule: Schedule;
  readonly sinkOf: SinkOf;
  readonly nodes = new Map<number, Node>();
  readonly random: SeededRandom;
  /** By all members together, whether it arrived or not; bytes without those of QUIC, UDP and IP. */
  readonly sent = { datagrams: 0, datagramBytes: 0, frames: 0, frameBytes: 0 };
  readonly #members: readonly number[];
  readonly #ways = new Map<number, Way>();
  /** By both members. */
  readonly #links = new Map<number, Connection>();
  #serial = 0;

  constructor({ members, seed, schedule, sinkOf, delayUs }: NetworkOptions) {
    this.seed = seed;
    this.schedule = schedule;
    this.sinkOf = sinkOf;
    this.random = new SeededRandom(seed);
    this.#members = members;
    for (const from of members) {
      for (const to of members) this.#ways.set(key(from, to), { delayUs: delayUs(from, to), loss: 0, cut: false });
    }
    for (const member of members) this.nodes.set(member, new Node(this, member));
    for (const node of this.nodes.values()) node.act((mesh, now) => mesh.setMembers(members, now));
    for (const a of members) for (const b of members) if (a < b) this.#connectSoon(a, b);
  }

  node(member: number): Node {
    return this.nodes.get(member) as Node;
  }

  way(from: number, to: number): Way {
    return this.#ways.get(key(from, to)) as Way;
  }

  /** Whether there is a connection between two members, as far as they know. */
  isLinked(a: number, b: number): boolean {
    return (this.#links.get(key(Math.min(a, b), Math.max(a, b)))?.serial ?? 0) !== 0;
  }

  /** Cuts all ways between members of different groups; heals all others. */
  partition(...groups: readonly (readonly number[])[]): void {
    const groupOf = (member: number): number => groups.findIndex((group) => group.includes(member));
    for (const a of this.#members) for (const b of this.#members) this.way(a, b).cut = groupOf(a) !== groupOf(b);
  }

  heal(): void {
    for (const way of this.#ways.values()) way.cut = false;
  }

  /** The process is gone at once, its memory too. */
  kill(member: number): void {
    this.node(member).isDown = true;
  }

  restart(member: number): void {
    this.node(member).restart(this.#members);
    for (const other of this.#members) {
      if (other === member) continue;
      const [a, b] = [Math.min(member, other), Math.max(member, other)];
      this.#drop(a, b);
      this.#connectSoon(a, b);
    }
  }

  datagram(from: number, to: number, bytes: Uint8Array): void {
    this.sent.datagrams++;
    this.sent.datagramBytes += bytes.length;
    this.#send(from, to, false, (mesh, now) => mesh.datagram(from, bytes, 0, bytes.length, now));
  }

  stream(from: number, to: number, frame: Uint8Array): void {
    this.sent.frames++;
    this.sent.frameBytes += frame.length;
    this.#send(from, to, true, (mesh, now) => mesh.stream(from, frame, now));
  }

  #send(from: number, to: number, isStream: boolean, arrive: (mesh: Mesh, now: TimeUs) => void): void {
    const [a, b] = [Math.min(from, to), Math.max(from, to)];
    const link = this.#links.get(key(a, b));
    if (link === undefined || link.serial === 0) return;
    const { serial } = link;
    const way = this.way(from, to);
    const side = from === a ? 0 : 1;
    const { now } = this.schedule;
    if (isStream) {
      this.#onStream(from, to, serial, side, arrive);
      return;
    }
    if (way.cut || this.random.next() < way.loss) return;
    this.schedule.plan(now + way.delayUs, () => {
      if (link.serial === serial && !way.cut) this.node(to).quietly(arrive);
    });
  }

  /** In order; what is lost is sent again after a bit more than a round trip. */
  #onStream(from: number, to: number, serial: number, side: 0 | 1, arrive: (mesh: Mesh, now: TimeUs) => void): void {
    const link = this.#links.get(key(Math.min(from, to), Math.max(from, to)));
    if (link === undefined) return;
    const way = this.way(from, to);
    let at = this.schedule.now + way.delayUs;
    while (this.random.next() < way.loss) at += 3 * way.delayUs + RETRANSMIT_US;
    const queue = link.queues[side];
    queue.push({ at, arrive });
    if (queue.length > 1) return;
    const pump = (): void => {
      if (link.serial !== serial) return;
      if (way.cut) {
        this.schedule.plan(this.schedule.now + RETRANSMIT_CUT_US, pump);
        return;
      }
      this.node(to).act((queue.shift() as Waiting).arrive);
      const [next] = queue;
      if (next !== undefined) this.schedule.plan(Math.max(this.schedule.now, next.at), pump);
    };
    this.schedule.plan(at, pump);
  }

  #connectSoon(a: number, b: number): void {
    this.schedule.plan(this.schedule.now + RECONNECT_US * (0.5 + this.random.next()), () => this.#connect(a, b));
  }

  #connect(a: number, b: number): void {
    const [there, back] = [this.way(a, b), this.way(b, a)];
    const [one, other] = [this.node(a), this.node(b)];
    if (this.#links.get(key(a, b))?.serial) return;
    if (there.cut || back.cut || one.isDown || other.isDown || one.isStopped || other.isStopped) {
      this.#connectSoon(a, b);
      return;
    }
    const link: Connection = { serial: ++this.#serial, silentSince: 0, queues: [[], []] };
    this.#links.set(key(a, b), link);
    one.act((mesh, at) => mesh.linked(b, at));
    other.act((mesh, at) => mesh.linked(a, at));
    this.#watch(a, b, link.serial);
  }

  /** QUIC's idle timeout. */
  #watch(a: number, b: number, serial: number): void {
    const link = this.#links.get(key(a, b));
    if (link?.serial !== serial) return;
    const isSilent =
      this.way(a, b).cut || this.way(b, a).cut || [a, b].some((m) => this.node(m).isDown || this.node(m).isStopped);
    const { now } = this.schedule;
    if (!isSilent) link.silentSince = 0;
    else if (link.silentSince === 0) link.silentSince = now;
    else if (now - link.silentSince >= IDLE_US) {
      this.#drop(a, b);
      this.#connectSoon(a, b);
      return;
    }
    this.schedule.plan(now + IDLE_US / 4, () => this.#watch(a, b, serial));
  }

  #drop(a: number, b: number): void {
    const link = this.#links.get(key(a, b));
    if (link === undefined || link.serial === 0) return;
    link.serial = 0;
    this.#links.delete(key(a, b));
    this.node(a).act((mesh, now) => mesh.unlinked(b, now));
    this.node(b).act((mesh, now) => mesh.unlinked(a, now));
  }
}

const key = (from: number, to: number): number => from * 65_536 + to;
