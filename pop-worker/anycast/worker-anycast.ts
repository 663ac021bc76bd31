import type { ControlView } from '#control/describe.ts';
import type { ProbeAnswer } from '#dataplane/forward/kernel-probe.ts';
import { nowUs } from '#host/clock/clock.ts';
import { Beats } from '#host/thread/beats.ts';
import type { WorkerRouting } from '#model/routing.ts';
import { Anycast, type AnycastStatus, type RunningCheck } from '#pop-worker/routing/anycast/anycast.ts';
import { ForwardingProbe, type ProbeTarget } from '#pop-worker/routing/anycast/forwarding-probe.ts';
import type { BfdSeat } from '#pop-worker/routing/bfd/seat.ts';
import type { BesideStatus } from '#pop-worker/routing/bgp/beside.ts';
import { BgpThread, type ToldNotice } from '#pop-worker/routing/bgp/bgp-thread.ts';
import { isOwnAddress } from '#pop-worker/routing/bgp/link-address.ts';
import type { RoutePage } from '#pop-worker/routing/bgp/route-list.ts';
import { BGP_PORT } from '#pop-worker/routing/bgp/setup.ts';
import type { NeighbourStatus } from '#pop-worker/routing/bgp/status.ts';
import { ANNOUNCER_RULES, type AnycastOrder, type AnycastState } from '#protocol/anycast/announcer.ts';
import { splitHostPort } from '#settings/fields.ts';
import type { Logger } from '#telemetry/logger.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { allocateSlots, type Slots, slotOf } from '#telemetry/slots.ts';
import { besideOf } from '../bgp/beside.ts';
import { explainPrefix, listRoutes, type PrefixExplained } from '../bgp/questions.ts';
import { type ChecksSettings, patienceOf, watchedData } from '../checks-settings.ts';
import type { NetworkKeeper } from '../network-keeper.ts';
import type { Found } from '../worker-states.ts';
import { type BgpSettings, routerIdOf } from './bgp-settings.ts';
import { controlFault, revisionFault } from './control-checks.ts';
import { KernelPath, type KernelPathParts } from './kernel-path.ts';
import { Neighbors, type RefusedNeighbor } from './neighbors.ts';
import { Uplinks } from './uplinks.ts';

const THREADS_EVERY_MS = 25;
const PROBE_EVERY_MS = 100;
const UPLINK_EVERY_MS = 200;
const SLOW_EVERY_MS = 1000;
const SESSIONS_EVERY_MS = 100;
/** What the announcer makes of checks; an order is known of otherwise. Who is the last choice is one: that is fail static. */
const FOUND: Readonly<Partial<Record<AnycastState, Found>>> = {
  ...{ waiting: 'starting', announced: 'ready', returning: 'ready', last: 'ready', failed: 'failed', held: 'failed' },
};
const HELD = 'held back, for it came and went';

/** So long a check that had failed has to hold. */
const STABLE_US = 2_000_000;
/** No route of another is of use here: what an upstream may announce all the same is bounded. */
const MOST_ROUTE_BYTES = 256 * 2 ** 20;

const STATES = labelValues('cloudbridge_anycast_state_count', 'state');
const CHECKS = labelValues('cloudbridge_anycast_check_failed_count', 'check');

export interface WorkerAnycastParts {
  readonly settings: BgpSettings;
  readonly checks: ChecksSettings;
  readonly passwords: ReadonlyMap<string, Uint8Array>;
  /** That devices connect to. */
  readonly targets: readonly ProbeTarget[];
  /** The way that devices' packets take; undefined: there is no TUN, or it is not to be tried. */
  readonly kernel: (KernelPathParts & { readonly keeper: Pick<NetworkKeeper, 'fault' | 'look'> }) | undefined;
  readonly dataBeats: readonly SharedArrayBuffer[];
  /** That the BGP thread beats in (`host/thread/beat.ts`). */
  readonly bgpBeat: SharedArrayBuffer;
  /** How long a drain may take. */
  readonly drainSeconds: number;
  /** Outside addresses of devices: what this worker announces of them, and those of all, which others announce too. */
  readonly outside: { readonly own: readonly string[]; readonly fleet: readonly string[] };
  /** At the BFD thread; undefined: no neighbour has BFD. */
  readonly seat: BfdSeat | undefined;
  /** Sessions that are here. */
  readonly sessions: () => Promise<number>;
  /** What is known of the control plane now. */
  readonly control: () => ControlView | undefined;
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
  /** How often a check gave its threads more time, since they waited for a core. */
  readonly late: Readonly<Record<'threads' | 'forwarding', number>>;
}

/** What a worker announces: its BGP thread, the checks that have to hold for it, and the drain. */
export class WorkerAnycast {
  readonly #parts: WorkerAnycastParts;
  readonly #thread: BgpThread;
  readonly #neighbors: Neighbors;
  readonly #uplinks: Uplinks;
  readonly #beats: Beats;
  readonly #kernelPath: KernelPath | undefined;
  /** How often a check gave more time, since a thread waited for a core. */
  readonly #late = { threads: 0, forwarding: 0 };
  readonly #anycast: Anycast;
  readonly #own = allocateSlots();
  #routing: WorkerRouting;
  #wasAnnounced = false;
  /** Of its prefixes, which others announce too; undefined: nobody is heard. */
  #shared: ReadonlySet<string> | undefined;
  /** What is announced where that is not all of them. */
  #only: ReadonlySet<string> | undefined;
  #counts = false;
  #watching: NodeJS.Timeout | undefined;
  /** Which watch of sessions counts: an order that comes while one asks ends it. */
  #watch = 0;

  /** @param routing what is known at the start */
  constructor(parts: WorkerAnycastParts, routing: WorkerRouting) {
    this.#parts = parts;
    this.#routing = routing;
    const { settings, checks, dataBeats, bgpBeat, passwords, seat, drainSeconds, outside, log, gone, kernel } = parts;
    this.#uplinks = new Uplinks(checks.answer_ms, (failed) => this.#uplinksFailed(failed));
    this.#beats = new Beats(watchedData(dataBeats, checks), nowUs());
    this.#kernelPath = kernel && new KernelPath(kernel, patienceOf(checks), () => this.#excuse());
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
    const rules = { ...ANNOUNCER_RULES, stepUs: settings.step_seconds * 1e6, drainUs: drainSeconds * 1e6 };
    this.#anycast = new Anycast(rules, this.#checks(), {
      announce: () => this.#announce(),
      became: (state, reason) => this.#became(state, reason),
      drained: ({ sessions, left, ended }) => {
        if (ended !== undefined) this.#count('cloudbridge_anycast_drains_total', { end: ended.how });
        log.info('a drain is over', { sessions, left, how: ended?.how });
      },
    });
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
    this.#uplinks.set(routing.uplinks);
    this.#neighbors.set(routing);
    this.#look();
  }

  /** What others may announce as well. */
  get #prefixes(): readonly string[] {
    return [...this.#routing.prefixes.map(({ prefix }) => prefix), ...this.#parts.outside.fleet];
  }

  get #unshared(): readonly string[] {
    return this.#prefixes.filter((prefix) => this.#shared?.has(prefix) !== true);
  }

  /** Those that nobody else is known to announce; where that is so of outside addresses, a worker's own come along. */
  #alone(): Set<string> {
    const { own, fleet } = this.#parts.outside;
    const alone = new Set(this.#unshared);
    if (fleet.some((prefix) => alone.has(prefix))) for (const prefix of own) alone.add(prefix);
    return alone;
  }

  /** What is announced, to whom others count on, and whether it is alone with anything. */
  #look(): void {
    this.#parts.announces(this.#counts, this.#prefixes);
    this.#anycast.alone(this.#shared === undefined || this.#alone().size > 0);
    if (this.#anycast.announcement.onlyAlone === true) this.#announce();
  }

  #announce(): void {
    const { announcement } = this.#anycast;
    const alone = announcement.onlyAlone === true ? this.#alone() : undefined;
    // A drain announces nothing that was left to others.
    const was = announcement.isLeaving ? this.#only : undefined;
    this.#only = alone && was ? new Set([...alone].filter((prefix) => was.has(prefix))) : alone;
    this.#neighbors.announce(announcement, this.#only);
  }

  /** Which of its prefixes other workers announce too; undefined: nobody is heard. */
  others(shared: ReadonlySet<string> | undefined): void {
    this.#shared = shared;
    this.#look();
  }

  /** What routing is told from now on. */
  follow(order: AnycastOrder): void {
    this.#endWatch();
    if (order === 'drain') void this.#watchSessions(this.#watch);
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
    const { announcement, ...status } = this.#anycast.status();
    for (const state of STATES)
      this.#own[slotOf('cloudbridge_anycast_state_count', { state })] = state === status.state ? 1 : 0;
    for (const check of CHECKS) {
      const isFailed = status.checks.some(({ name, state }) => name === check && state === 'failed');
      this.#own[slotOf('cloudbridge_anycast_check_failed_count', { check })] = isFailed ? 1 : 0;
    }
    this.#own[slotOf('cloudbridge_anycast_preference_ratio', {})] = announcement.preference / 10;
    this.#own[slotOf('cloudbridge_anycast_alone_count', {})] = this.isAnnounced ? this.#unshared.length : 0;
    this.#own[slotOf('cloudbridge_anycast_holds_total', {})] = status.held;
    this.#own[slotOf('cloudbridge_anycast_refused_neighbors_count', {})] = this.#neighbors.refused.length;
    this.#own[slotOf('cloudbridge_anycast_failed_uplinks_count', {})] = this.#uplinks.failed.size;
    for (const check of ['threads', 'forwarding'] as const)
      this.#own[slotOf('cloudbridge_anycast_late_answers_total', { check })] = this.#late[check];
    return [this.#own, this.#thread.slots];
  }

  async status(): Promise<WorkerAnycastStatus> {
    const prefixes = this.#routing.prefixes.map(({ prefix }) => prefix);
    const { refused } = this.#neighbors;
    const only = this.isAnnounced && this.#only !== undefined ? { only: [...this.#only] } : {};
    const [neighbors, beside] = await Promise.all([this.#thread.status(), this.#thread.beside()]);
    const uplinks = { failedUplinks: [...this.#uplinks.failed], late: { ...this.#late } };
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

  /** Withdraws and tells all neighbours why. */
  async stop(): Promise<void> {
    this.#endWatch();
    this.#anycast.order('withdraw');
    this.#anycast.stop();
    this.#neighbors.close();
    this.#uplinks.close();
    this.#beats.close();
    await this.#thread.stop('the worker ends');
  }

  #checks(): RunningCheck[] {
    const { targets, control, checks } = this.#parts;
    const beats = this.#beats;
    const rules = patienceOf(checks);
    const probes = targets.map((target) => new ForwardingProbe(target, rules, () => this.#excuse()));
    return [
      {
        ...({
          name: 'threads',
          effect: 'withdraw',
          failures: 1,
          stableUs: STABLE_US,
          everyMs: THREADS_EVERY_MS,
        } as const),
        ask: () => {
          beats.look(nowUs());
          this.#late.threads = beats.late.data;
          if (beats.missing === undefined) return undefined;
          return beats.isLate
            ? `a data-plane thread has waited for a core for ${checks.thread_late_ms} ms`
            : 'a data-plane thread is stuck';
        },
      },
      {
        ...({
          name: 'forwarding',
          effect: 'withdraw',
          failures: checks.answer_failures,
          stableUs: STABLE_US,
          everyMs: PROBE_EVERY_MS,
        } as const),
        ask: async () => {
          const asked = probes.map((probe) => probe.ask());
          const throughKernel = await this.#askKernel();
          const reasons = await Promise.all(asked);
          this.#late.forwarding = probes.reduce((sum, { late }) => sum + late, this.#kernelPath?.late ?? 0);
          return reasons.find((reason) => reason !== undefined) ?? throughKernel;
        },
      },
      {
        ...({
          name: 'uplinks',
          effect: 'unless-last',
          failures: 2,
          stableUs: STABLE_US,
          everyMs: UPLINK_EVERY_MS,
        } as const),
        ask: () => this.#uplinks.ask(),
      },
      {
        // Who has no session announces nothing anyway: that is for operators to see.
        ...({ name: 'neighbors', effect: 'show', failures: 1, stableUs: 0, everyMs: SLOW_EVERY_MS } as const),
        ask: () => {
          const { established, size } = this.#neighbors;
          return established > 0 || size === 0 ? undefined : `none of ${size} BGP neighbours has a session`;
        },
      },
      {
        // A worker that merely hears nobody goes on (fail static).
        ...({ name: 'control', effect: 'show', failures: 1, stableUs: 0, everyMs: SLOW_EVERY_MS } as const),
        ask: () => controlFault(checks, control()),
      },
      {
        // All may lose the control plane at once: the last one goes on, whatever the setting.
        name: 'revision',
        effect: checks.revision_age_seconds > 0 ? 'unless-last' : 'show',
        ...{ failures: 1, stableUs: STABLE_US, everyMs: SLOW_EVERY_MS },
        ask: () => revisionFault(checks, control(), Date.now()),
      },
    ];
  }

  #uplinksFailed(failed: ReadonlySet<string>): void {
    this.#parts.log.warn('uplinks that lead nowhere', { failed: [...failed] });
    this.#parts.failedUplinks(failed);
  }

  /** @returns how long data-plane threads have waited for a core from now on, in microseconds */
  #excuse(): () => number {
    const waited = this.#beats.waits(nowUs());
    return () => waited(nowUs());
  }

  /** What does not come through makes the worker look at once what is missing. @returns why it does not, in words */
  async #askKernel(): Promise<string | undefined> {
    const keeper = this.#parts.kernel?.keeper;
    const reason = await this.#kernelPath?.ask();
    if (reason !== undefined) keeper?.look();
    const fault = keeper?.fault;
    return reason !== undefined && fault !== undefined ? `${reason}; ${fault}` : (reason ?? fault);
  }

  /** A probe came back through the kernel. */
  probed(answer: ProbeAnswer): void {
    this.#kernelPath?.take(answer);
  }

  /** Whoever counts sessions for a drain counts in vain from now on. */
  #endWatch(): void {
    clearTimeout(this.#watching);
    this.#watch++;
  }

  /** Tells the drain how many are still here, until it is over. @param watch that this is for */
  async #watchSessions(watch: number): Promise<void> {
    const count = await this.#parts.sessions();
    if (watch !== this.#watch) return;
    this.#anycast.sessions(count);
    this.#anycast.order('drain');
    if (!this.#anycast.isDraining) return;
    this.#watching = setTimeout(() => void this.#watchSessions(watch), SESSIONS_EVERY_MS);
    this.#watching.unref();
  }

  #became(state: AnycastState, reason: string | undefined): void {
    const { log, announces, found } = this.#parts;
    const finding = FOUND[state];
    if (finding !== undefined) found(finding, state === 'held' ? HELD : reason);
    const [was, is] = [this.#wasAnnounced, this.isAnnounced];
    this.#wasAnnounced = is;
    // Whoever is there for want of others is none to others: two of them would withdraw for each other, again and again.
    this.#counts = is && state !== 'last' && state !== 'draining';
    announces(this.#counts, this.#prefixes);
    if (was && !is) {
      this.#count('cloudbridge_anycast_withdrawals_total', { cause: state === 'failed' ? 'check' : 'order' });
    }
    if (state === 'draining' && is) this.#warnOfLast();
    (state === 'failed' || state === 'held' || state === 'last' ? log.error : log.info)('anycast', {
      state,
      ...(reason !== undefined && { reason }),
    });
  }

  /** What it leaves to nobody: the drain goes on, for that was ordered. */
  #warnOfLast(): void {
    const prefixes = this.#unshared;
    if (prefixes.length === 0) return;
    const reason =
      this.#shared === undefined ? 'no other worker is heard' : 'no other worker that is heard announces them';
    const seconds = this.#parts.drainSeconds;
    this.#parts.log.warn('the last that announces drains: prefixes are withdrawn with whoever is left', {
      ...{ prefixes, reason, withinSeconds: seconds },
    });
  }

  #count(name: 'cloudbridge_anycast_withdrawals_total', labels: { readonly cause: 'check' | 'order' }): void;
  #count(name: 'cloudbridge_anycast_drains_total', labels: { readonly end: 'moved' | 'deadline' | 'undone' }): void;
  #count(name: Parameters<typeof slotOf>[0], labels: object): void {
    const at = slotOf(name, labels as never);
    this.#own[at] = (this.#own[at] as number) + 1;
  }
}
