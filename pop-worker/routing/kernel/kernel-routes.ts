import { performance } from 'node:perf_hooks';
import { NetlinkOverrun } from '#host/netlink/kernel-refusal.ts';
import { NetlinkMonitor } from '#host/netlink/monitor.ts';
import { NetlinkRequests } from '#host/netlink/requests.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { Family } from '#protocol/netlink/family.ts';
import { type Hop, HopError, HopSets } from './hop-sets.ts';
import { HopWriter } from './hop-writer.ts';
import { prefixOfRoute, readLinks, readNextHops, readRoutes, readRules, targetOfRoute } from './kernel-state.ts';
import { LeftRoutes } from './left-routes.ts';
import { Links } from './links.ts';
import { Notifications } from './notifications.ts';
import { OWNERSHIP, type Ownership } from './ownership.ts';
import { RouteColumns } from './route-columns.ts';
import { Mark } from './route-store.ts';
import { RouteWriter } from './route-writer.ts';
import { type KernelRoutesStatus, statusOf } from './status.ts';
import { Steering, type SteeringRule } from './steering.ts';
import { type Target, Target as Targets } from './targets.ts';
import { Timers } from './timers.ts';

/** Until what the kernel refused is tried again. */
const RETRY_MS = 5000;
/** Between a change that somebody else made and the mending: whoever changes all the time costs us little. */
const REPAIR_MS = 50;
/** From the end of a check to the next one, at least. */
const CHECK_MS = 1000;

export interface KernelRoutesOptions {
  readonly ownership?: Ownership;
  /** SO_RCVBUF of what the kernel tells us by; the more, the later a check is needed. */
  readonly receiveBufferBytes?: number;
  /** A device can be used again, or not any more. */
  readonly onLink?: (device: string, usable: boolean) => void;
  /** Something went wrong that nobody waits for. */
  readonly onError?: (error: Error) => void;
}

const BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * The routes, nexthops and rules that we want in the kernel. Callers say what they want; the kernel is brought there in
 * slices, told changes of others are mended, and after an overrun everything of ours is compared. What is not ours
 * (`Ownership`) is never touched. What an earlier process left stays until `complete`, so that nothing is without a way
 * while a restarted process still learns.
 */
export class KernelRoutes {
  readonly #own: Ownership;
  readonly #options: KernelRoutesOptions;
  readonly #links = new Links();
  readonly #sets: HopSets;
  readonly #columns: RouteColumns;
  readonly #requests: NetlinkRequests;
  readonly #monitor: NetlinkMonitor;
  readonly #hops: HopWriter;
  readonly #writer: RouteWriter;
  readonly #steering: Steering;
  readonly #left: LeftRoutes;
  readonly #timers = new Timers();
  readonly #tables: ReadonlyMap<number, number>;
  #waiters: (() => void)[] = [];
  #hopsChanged = false;
  #rulesChanged = false;
  #complete = false;
  #checking: Promise<void> | undefined;
  #checkAgain = false;
  #scheduled = false;
  #closed = false;
  #repairs = 0;
  #checks = 0;
  #lastCheckMs = Number.NEGATIVE_INFINITY;

  private constructor(options: KernelRoutesOptions) {
    this.#options = options;
    this.#own = options.ownership ?? OWNERSHIP;
    this.#tables = new Map(this.#own.tables.map((table, i) => [table, i]));
    this.#sets = new HopSets(this.#own, this.#links);
    this.#columns = new RouteColumns(this.#sets);
    this.#requests = NetlinkRequests.open(BUFFER_BYTES);
    this.#hops = new HopWriter(this.#own, this.#sets, this.#links, this.#requests);
    this.#writer = new RouteWriter(this.#own, this.#sets, this.#columns, this.#requests);
    this.#steering = new Steering(this.#own, this.#requests);
    this.#left = new LeftRoutes(this.#requests, this.#own, this.#writer, (error) => {
      if (error !== undefined) this.#report(error);
      this.#schedule();
    });
    try {
      this.#monitor = NetlinkMonitor.open(
        {
          kinds: ['link', 'address', 'nextHop', 'route', 'rule'],
          receiveBufferBytes: options.receiveBufferBytes ?? BUFFER_BYTES,
          ignoredPort: this.#requests.port,
        },
        this.#notifications(),
      );
    } catch (error) {
      this.#requests.close();
      throw error;
    }
  }

  #notifications(): Notifications {
    const isReading = (): boolean => this.#checking !== undefined;
    const parts = { links: this.#links, sets: this.#sets, columns: this.#columns, steering: this.#steering };
    return new Notifications(this.#own, this.#tables, parts, {
      get isReading() {
        return isReading();
      },
      compare: () => this.#planCheck(REPAIR_MS),
      repair: () => this.#repair(),
      rules: () => {
        this.#rulesChanged = true;
        this.#repair();
      },
      hops: () => {
        this.#hopsChanged = true;
        this.#schedule();
      },
      links: (devices) => this.#linksChanged(devices),
      lost: () => this.#planCheck(0),
    });
  }

  /**
   * In the network namespace of the calling thread. What an earlier process left there is taken over.
   *
   * @throws an Error with the errno's name as `code`, KernelRefusal
   */
  static async open(options: KernelRoutesOptions = {}): Promise<KernelRoutes> {
    const routes = new KernelRoutes(options);
    try {
      await routes.#checkOnce();
    } catch (error) {
      routes.close();
      throw error;
    }
    return routes;
  }

  /** The number of a set of hops, for `set`; equal sets have one. @throws HopError */
  hops(hops: readonly Hop[]): Target {
    return this.#sets.intern(hops);
  }

  /**
   * Wants a route.
   *
   * @param prefix text, or bytes with no bit set past the length
   * @param target of `hops`, or one of `Target`; none: no route is wanted
   * @throws HopError when the table is not one of ours or the text is no prefix
   */
  set(prefix: string | Prefix, target: Target, table: number = this.#own.tables[0] as number): void {
    const parsed = typeof prefix === 'string' ? parsePrefix(prefix) : prefix;
    if (parsed === undefined) throw new HopError(`${prefix} is no prefix`);
    const at = this.#tables.get(table);
    if (at === undefined) throw new HopError(`table ${table} is not one of ours: ${this.#own.tables.join(', ')}`);
    const place = target === Targets.none ? this.#columns.find(parsed, at) : this.#columns.put(parsed, at);
    if (place < 0) return;
    const set = this.#sets.get(target);
    if (set !== undefined && !set.leads) this.#hopsChanged = true;
    this.#columns.setWanted(place, target);
    this.#columns.enqueue(place);
    this.#schedule();
  }

  remove(prefix: string | Prefix, table?: number): void {
    this.set(prefix, Targets.none, table);
  }

  /** Wants these rules of policy routing and no others. @throws SteeringError */
  steer(rules: readonly SteeringRule[]): void {
    this.#steering.want(rules);
    this.#rulesChanged = true;
    this.#schedule();
  }

  /** All that is wanted has been said: what else there is of ours, left by an earlier process, goes. */
  complete(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#rulesChanged = true;
    this.#rescan();
    this.#schedule();
    void this.#left.sweep();
  }

  /** Until the kernel has what was wanted so far, except for what it refused. */
  async settled(): Promise<void> {
    while (!this.#closed && (this.#scheduled || this.#left.isBusy || this.#checking !== undefined)) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }

  /** Compares everything of ours in the kernel with what is wanted, and mends it. */
  async check(): Promise<void> {
    if (this.#closed) return;
    if (this.#checking !== undefined) {
      this.#checkAgain = true;
      await this.#checking;
      return;
    }
    try {
      await this.#checkOnce();
    } catch (error) {
      this.#report(error);
      this.#planCheck(CHECK_MS);
    }
  }

  get status(): KernelRoutesStatus {
    return statusOf(
      { sets: this.#sets, columns: this.#columns, writer: this.#writer, steering: this.#steering },
      {
        repairs: this.#repairs,
        overruns: this.#monitor.overruns + this.#monitor.unreadable,
        checks: this.#checks,
        complete: this.#complete,
      },
    );
  }

  /** Removes everything of ours from the kernel. */
  async withdraw(): Promise<void> {
    this.#columns.each((place) => {
      this.#columns.setWanted(place, Targets.none);
      this.#columns.enqueue(place);
    });
    this.steer([]);
    this.complete();
    this.#schedule();
    await this.settled();
  }

  /** Leaves everything as it is in the kernel, for whoever comes next. May be called twice. */
  close(): void {
    this.#closed = true;
    this.#timers.clear();
    this.#left.close();
    this.#monitor.close();
    this.#requests.close();
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #report(error: unknown): void {
    this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
  }

  #planCheck(ms: number): void {
    this.#timers.set('check', Math.max(ms, this.#lastCheckMs + CHECK_MS - performance.now()), () => this.check());
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => this.#slice());
  }

  /** One piece of work, after which the thread does something else. */
  #slice(): void {
    this.#scheduled = false;
    if (this.#closed || this.#checking !== undefined) return;
    try {
      if (this.#work()) this.#schedule();
      else this.#wake();
    } catch (error) {
      if (!(error instanceof NetlinkOverrun)) this.#report(error);
      void this.check();
    }
  }

  /** @returns whether there is more to do @throws NetlinkOverrun */
  #work(): boolean {
    if (this.#hopsChanged) {
      this.#hopsChanged = false;
      this.#hops.make();
      this.#sets.refresh();
      this.#rescan();
    }
    if (this.#writer.write(this.#complete)) return true;
    if (this.#rulesChanged) {
      this.#rulesChanged = false;
      this.#steering.write(this.#complete);
    }
    if (this.#complete) this.#hops.sweep();
    if (this.#writer.surprised) {
      this.#writer.surprised = false;
      this.#planCheck(CHECK_MS);
    }
    this.#planRetry();
    return false;
  }

  #planRetry(): void {
    const { conflicts, refused } = this.#columns;
    const hops = [...this.#sets.hops()].some(({ refusal }) => refusal !== undefined);
    if (conflicts === 0 && refused === 0 && !hops && this.#steering.refusals.size === 0) return;
    this.#timers.set('retry', RETRY_MS, () => this.#retry());
  }

  #retry(): void {
    for (const hop of this.#sets.hops()) hop.refusal = undefined;
    this.#steering.refusals.clear();
    this.#hopsChanged = true;
    this.#rulesChanged = true;
    this.#columns.each((place) => {
      if (this.#columns.has(place, Mark.conflict | Mark.refused)) this.#columns.enqueue(place);
    });
    this.#schedule();
  }

  /** Finds out which routes are not as they are to be: after nexthops or links changed, or a check. */
  #rescan(): void {
    const { wanted, installed } = this.#columns.store;
    this.#columns.each((place) => {
      const there = this.#sets.get(installed[place] as Target);
      // The kernel removes routes with their nexthop.
      if (there !== undefined && !this.#sets.isPresent(there)) this.#columns.setInstalled(place, Targets.none);
      if (this.#sets.effective(wanted[place] as Target) !== installed[place]) this.#columns.enqueue(place);
      else if (wanted[place] === Targets.none) this.#columns.release(place);
    });
  }

  #linksChanged(devices: readonly string[]): void {
    if (devices.length === 0) return;
    const hops = this.#sets.forget(new Set(devices));
    try {
      this.#hops.removeHops(hops.filter(({ device }) => !this.#links.isUsable(device)));
    } catch {
      void this.check();
    }
    for (const device of devices) this.#options.onLink?.(device, this.#links.isUsable(device));
    this.#hopsChanged = true;
    // At once, not after what else the thread has to do: packets go there now.
    this.#slice();
  }

  #repair(): void {
    this.#repairs++;
    this.#timers.set('repair', REPAIR_MS, () => this.#schedule());
  }

  async #checkOnce(): Promise<void> {
    const check = this.#compare();
    this.#checking = check;
    try {
      await check;
    } finally {
      this.#checking = undefined;
      this.#lastCheckMs = performance.now();
      this.#hopsChanged = true;
      this.#rulesChanged = true;
      if (!this.#closed) this.#schedule();
      if (this.#checkAgain) {
        this.#checkAgain = false;
        this.#planCheck(CHECK_MS);
      }
    }
  }

  async #compare(): Promise<void> {
    this.#checks++;
    const changed = this.#links.replace(await readLinks(this.#requests));
    this.#sets.forget(new Set(changed));
    if (this.#checks > 1) for (const device of changed) this.#options.onLink?.(device, this.#links.isUsable(device));
    this.#sets.adopt(await readNextHops(this.#requests));
    this.#sets.refresh();
    const complete = await this.#readRoutes();
    this.#steering.adopt(await readRules(this.#requests));
    this.#columns.each((place) => {
      if (complete && !this.#columns.has(place, Mark.seen)) this.#columns.setInstalled(place, Targets.none);
    });
    this.#rescan();
    if (!complete) this.#checkAgain = true;
  }

  /** @returns whether all were seen */
  async #readRoutes(): Promise<boolean> {
    this.#columns.each((place) => this.#columns.mark(place, Mark.seen, false));
    let complete = true;
    for (const [table, at] of this.#tables) {
      for (const family of [Family.ipv4, Family.ipv6]) {
        complete =
          (await readRoutes(this.#requests, family, table, this.#own, (route) => {
            const place = this.#columns.put(prefixOfRoute(route), at);
            this.#columns.setInstalled(place, targetOfRoute(this.#sets, route));
            this.#columns.mark(place, Mark.seen, true);
          })) && complete;
      }
    }
    return complete;
  }
}
