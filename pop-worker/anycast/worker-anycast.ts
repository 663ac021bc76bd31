import type { ProbeAnswer } from '#dataplane/forward/kernel-probe.ts';
import type { WorkerRouting } from '#model/routing.ts';
import { Anycast, type AnycastStatus } from '#pop-worker/routing/anycast/anycast.ts';
import type { BfdSeat } from '#pop-worker/routing/bfd/seat.ts';
import type { BesideStatus } from '#pop-worker/routing/bgp/beside.ts';
import { BgpThread, type ToldNotice } from '#pop-worker/routing/bgp/bgp-thread.ts';
import type { PrefixExplained } from '#pop-worker/routing/bgp/explained.ts';
import { isOwnAddress } from '#pop-worker/routing/bgp/link-address.ts';
import type { RoutePage } from '#pop-worker/routing/bgp/route-list.ts';
import { BGP_PORT } from '#pop-worker/routing/bgp/setup.ts';
import type { NeighbourStatus } from '#pop-worker/routing/bgp/status.ts';
import { ANNOUNCER_RULES, type AnycastOrder, type AnycastState } from '#protocol/anycast/announcer.ts';
import { splitHostPort } from '#settings/fields.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { Slots } from '#telemetry/slots.ts';
import { besideOf } from '../bgp/beside.ts';
import { explainPrefix, listRoutes, type Retried, retryNeighbour } from '../bgp/questions.ts';
import type { Found } from '../worker-states.ts';
import { AnnouncedPrefixes, type OutsidePrefixes } from './announced-prefixes.ts';
import { AnycastMetrics, type LateAnswers } from './anycast-metrics.ts';
import { type BgpSettings, routerIdOf } from './bgp-settings.ts';
import { DrainWatch } from './drain-watch.ts';
import { Neighbors, type RefusedNeighbor } from './neighbors.ts';
import { Uplinks } from './uplinks.ts';
import { WorkerChecks, type WorkerChecksParts } from './worker-checks.ts';

/** What the announcer makes of checks; an order is known of otherwise. Who is the last choice is one: that is fail static. */
const FOUND: Readonly<Partial<Record<AnycastState, Found>>> = {
  ...{ waiting: 'starting', announced: 'ready', returning: 'ready', last: 'ready', failed: 'failed', held: 'failed' },
};
const HELD = 'held back, for it came and went';

/** No route of another is of use here: what an upstream may announce all the same is bounded. */
const MOST_ROUTE_BYTES = 256 * 2 ** 20;

export interface WorkerAnycastParts extends Omit<WorkerChecksParts, 'uplinks' | 'neighbors'> {
  readonly settings: BgpSettings;
  readonly passwords: ReadonlyMap<string, Uint8Array>;
  /** That the BGP thread beats in (`host/thread/beat.ts`). */
  readonly bgpBeat: SharedArrayBuffer;
  /** How long a drain may take. */
  readonly drainSeconds: number;
  readonly outside: OutsidePrefixes;
  /** At the BFD thread; undefined: no neighbour has BFD. */
  readonly seat: BfdSeat | undefined;
  /** Sessions that are here. */
  readonly sessions: () => Promise<number>;
  /** Names of uplinks that lead nowhere, whenever they have become others. */
  readonly failedUplinks: (failed: ReadonlySet<string>) => void;
  /** Which prefixes are announced where they are, and whether they are now, by one that stays and not for want of others. */
  readonly announces: (announces: boolean, prefixes: readonly string[]) => void;
  readonly log: Logger;
  /** What its checks say of it. @param reason in words, where one is the cause */
  readonly found: (found: Found, reason: string | undefined) => void;
  /** The BGP thread ended by itself; one sentence. */
  readonly gone: (reason: string) => void;
}

/** What `cloudbridge worker status` shows of routing. */
export interface WorkerAnycastStatus extends AnycastStatus, Partial<BesideStatus> {
  readonly prefixes: readonly string[];
  /** Of those, and of outside addresses, what is announced where others are left the rest. */
  readonly only?: readonly string[];
  readonly neighbors: readonly NeighbourStatus[];
  /** Neighbours that are wanted and cannot be had as they are. */
  readonly refused: readonly RefusedNeighbor[];
  /** Names of uplinks that lead nowhere. */
  readonly failedUplinks: readonly string[];
  readonly late: LateAnswers;
}

const prefixesOf = ({ prefixes }: WorkerRouting): readonly string[] => prefixes.map(({ prefix }) => prefix);

/** What a worker announces: its BGP thread, the checks that have to hold for it, and the drain. */
export class WorkerAnycast {
  readonly #parts: WorkerAnycastParts;
  readonly #thread: BgpThread;
  readonly #neighbors: Neighbors;
  readonly #uplinks: Uplinks;
  readonly #checks: WorkerChecks;
  readonly #anycast: Anycast;
  readonly #metrics = new AnycastMetrics();
  readonly #prefixes: AnnouncedPrefixes;
  readonly #drain: DrainWatch;
  #routing: WorkerRouting;
  #wasAnnounced = false;
  /** Others may count on what it announces. */
  #counts = false;

  /** @param routing what is known at the start */
  constructor(parts: WorkerAnycastParts, routing: WorkerRouting) {
    this.#parts = parts;
    this.#routing = routing;
    const { settings, checks, bgpBeat, passwords, seat, drainSeconds, outside, log, gone } = parts;
    this.#uplinks = new Uplinks(checks.answer_ms, (failed) => this.#uplinksFailed(failed));
    this.#prefixes = new AnnouncedPrefixes(outside);
    this.#prefixes.set(prefixesOf(routing));
    const identifier = routerIdOf(settings.router_id);
    const listen = settings.listen.map((text) => {
      const { host, port } = splitHostPort(text);
      return { address: host, port };
    });
    const routes = {
      identifier,
      clusterId: identifier,
      comparesAllMeds: false,
      mostBytes: MOST_ROUTE_BYTES,
      nextHops: 'any' as const,
      originate: [],
      policies: { ruleSets: {} },
    };
    this.#thread = new BgpThread(
      // Paths of the section are absolute by now.
      { listen, routes, beat: bgpBeat, ...besideOf(settings, '/'), ...(seat !== undefined && { bfd: seat }) },
      { gone, notice: (notice) => this.#take(notice) },
    );
    this.#neighbors = new Neighbors({
      ...{ thread: this.#thread, identifier, passwords, outside: outside.own, log },
      isOwn: (address) => listen.some(({ port }) => port === BGP_PORT) && isOwnAddress(address),
    });
    this.#checks = new WorkerChecks({ ...parts, uplinks: this.#uplinks, neighbors: this.#neighbors });
    const rules = { ...ANNOUNCER_RULES, stepUs: settings.step_seconds * 1e6, drainUs: drainSeconds * 1e6 };
    this.#anycast = new Anycast(rules, this.#checks.all, {
      announce: () => this.#announce(),
      became: (state, reason) => this.#became(state, reason),
      drained: ({ sessions, left, ended }) => {
        if (ended !== undefined) this.#metrics.drained(ended.how);
        log.info('a drain is over', { sessions, left, how: ended?.how });
      },
    });
    this.#drain = new DrainWatch({ sessions: parts.sessions, counted: (count) => this.#drains(count) });
  }

  #take(notice: ToldNotice): void {
    if (notice.type !== 'beside_trouble') this.#neighbors.take(notice);
    else this.#parts.log.warn('trouble beside BGP', { name: notice.name, reason: notice.message });
  }

  /** @throws Error when the BGP thread cannot start, as where its ports are taken */
  async start(): Promise<void> {
    await this.#thread.ready;
    this.set(this.#routing);
    this.#anycast.start();
  }

  /** What is to be announced, to whom, and by which ways out. */
  set(routing: WorkerRouting): void {
    this.#routing = routing;
    this.#prefixes.set(prefixesOf(routing));
    this.#uplinks.set(routing.uplinks);
    this.#neighbors.set(routing);
    this.#look();
  }

  /** What is announced, to whom others count on, and whether it is alone with anything. */
  #look(): void {
    this.#parts.announces(this.#counts, this.#prefixes.all);
    this.#anycast.alone(this.#prefixes.isAlone);
    if (this.#anycast.announcement.onlyAlone === true) this.#announce();
  }

  #announce(): void {
    const { announcement } = this.#anycast;
    this.#neighbors.announce(announcement, this.#prefixes.choose(announcement));
  }

  /** Which of its prefixes other workers announce too; undefined: nobody is heard. */
  others(shared: ReadonlySet<string> | undefined): void {
    this.#prefixes.others(shared);
    this.#look();
  }

  /** What routing is told from now on. */
  follow(order: AnycastOrder): void {
    this.#drain.end();
    if (order === 'drain') this.#drain.begin();
    else this.#anycast.order(order);
  }

  /** Whether anybody is told to come here. */
  get isAnnounced(): boolean {
    return this.#anycast.announcement.isAnnounced;
  }

  /** Whether the BGP thread still works. */
  isAlive(): boolean {
    return this.#thread.isAlive();
  }

  get slots(): readonly Slots[] {
    const [{ refused }, { failed }] = [this.#neighbors, this.#uplinks];
    const alone = this.isAnnounced ? this.#prefixes.unshared.length : 0;
    this.#metrics.set(
      this.#anycast.status(),
      { refused: refused.length, failed: failed.size, alone },
      this.#checks.late,
    );
    return [this.#metrics.slots, this.#thread.slots];
  }

  async status(): Promise<WorkerAnycastStatus> {
    const { refused } = this.#neighbors;
    const { own: prefixes, only: chosen } = this.#prefixes;
    const only = this.isAnnounced && chosen !== undefined ? { only: [...chosen] } : {};
    const [neighbors, beside] = await Promise.all([this.#thread.status(), this.#thread.beside()]);
    const uplinks = { failedUplinks: [...this.#uplinks.failed], late: { ...this.#checks.late } };
    return { ...this.#anycast.status(), prefixes, ...only, neighbors, refused, ...beside, ...uplinks };
  }

  /** What the policies of neighbours make of a prefix. @throws Error when the request names none */
  explain(request: Readonly<Record<string, unknown>>): Promise<PrefixExplained> {
    return explainPrefix(this.#thread, request);
  }

  /** One page of what it announces and what neighbours have sent. @throws Error that names what cannot be asked */
  routes(request: Readonly<Record<string, unknown>>): Promise<RoutePage> {
    return listRoutes(this.#thread, this.#neighbors.names, request);
  }

  /** Has a neighbour that is held back again at once. @throws Error that says why not */
  retry(request: Readonly<Record<string, unknown>>): Promise<Retried> {
    const neighbors = this.#neighbors;
    return retryNeighbour(this.#thread, neighbors.names, request, neighbors.find(request['neighbor']));
  }

  /** Withdraws and tells all neighbours why. */
  async stop(): Promise<void> {
    this.#drain.end();
    this.#anycast.order('withdraw');
    this.#anycast.stop();
    this.#neighbors.close();
    this.#uplinks.close();
    this.#checks.close();
    await this.#thread.stop('the worker ends');
  }

  #uplinksFailed(failed: ReadonlySet<string>): void {
    this.#parts.log.warn('uplinks that lead nowhere', { failed: [...failed] });
    this.#parts.failedUplinks(failed);
  }

  /** A probe came back through the kernel. */
  probed(answer: ProbeAnswer): void {
    this.#checks.probed(answer);
  }

  /** Tells the drain how many sessions are still here. @returns whether it goes on */
  #drains(count: number): boolean {
    this.#anycast.sessions(count);
    this.#anycast.order('drain');
    return this.#anycast.isDraining;
  }

  #became(state: AnycastState, reason: string | undefined): void {
    const { log, announces, found } = this.#parts;
    const finding = FOUND[state];
    if (finding !== undefined) found(finding, state === 'held' ? HELD : reason);
    const [was, is] = [this.#wasAnnounced, this.isAnnounced];
    this.#wasAnnounced = is;
    // Whoever is there for want of others is none to others: two of them would withdraw for each other, again and again.
    this.#counts = is && state !== 'last' && state !== 'draining';
    announces(this.#counts, this.#prefixes.all);
    if (was && !is) this.#metrics.withdrawn(state === 'failed' ? 'check' : 'order');
    if (state === 'draining' && is) this.#warnOfLast();
    (state === 'failed' || state === 'held' || state === 'last' ? log.error : log.info)('anycast', {
      state,
      ...(reason !== undefined && { reason }),
    });
  }

  /** What it leaves to nobody: the drain goes on, for that was ordered. */
  #warnOfLast(): void {
    const { unshared, isHeard } = this.#prefixes;
    if (unshared.length === 0) return;
    const reason = isHeard ? 'no other worker that is heard announces them' : 'no other worker is heard';
    this.#parts.log.warn('the last that announces drains: prefixes are withdrawn with whoever is left', {
      ...{ prefixes: unshared, reason, withinSeconds: this.#parts.drainSeconds },
    });
  }
}
