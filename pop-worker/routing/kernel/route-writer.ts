import type { NetlinkRequests } from '#host/netlink/requests.ts';
import { Family } from '#protocol/netlink/family.ts';
import { Flag } from '#protocol/netlink/header.ts';
import { newRoute, type Route } from '#protocol/netlink/route.ts';
import type { HopSets } from './hop-sets.ts';
import type { Ownership } from './ownership.ts';
import { addressOf, familyOfKey, lengthOf, tableOf } from './prefix-key.ts';
import { Errno, reasonOf } from './reason.ts';
import type { RouteColumns } from './route-columns.ts';
import { Mark } from './route-store.ts';
import { FIRST_SET, routeType, type Target, Target as Targets } from './targets.ts';

/** Routes in one go: about 2 ms of the kernel's time, in which the thread waits. */
const MOST_AT_ONCE = 512;

const ADD = Flag.create | Flag.exclusive;
const REPLACE = Flag.create | Flag.replace;

/** Brings routes of the kernel to what is wanted. */
export class RouteWriter {
  readonly #own: Ownership;
  readonly #sets: HopSets;
  readonly #columns: RouteColumns;
  readonly #requests: NetlinkRequests;
  readonly #places = new Uint32Array(MOST_AT_ONCE);
  readonly #before = new Uint32Array(MOST_AT_ONCE);
  readonly #route4: Route;
  readonly #route6: Route;
  added = 0;
  replaced = 0;
  removed = 0;
  /** Why the kernel refused the last one that it refused. */
  lastRefusal: string | undefined;
  /** Something in the kernel is not as we thought. */
  surprised = false;

  constructor(own: Ownership, sets: HopSets, columns: RouteColumns, requests: NetlinkRequests) {
    this.#own = own;
    this.#sets = sets;
    this.#columns = columns;
    this.#requests = requests;
    const { protocol, metric } = own;
    this.#route4 = newRoute({ family: Family.ipv4, protocol, metric });
    this.#route6 = newRoute({ family: Family.ipv6, protocol, metric });
  }

  /** @param removes whether what nobody has asked for is to go @returns whether more wait @throws NetlinkOverrun */
  write(removes: boolean): boolean {
    const count = this.#collect(removes);
    this.#requests.batch(
      (add) => {
        for (let i = 0; i < count; i++) this.#add(add, i);
      },
      (refusal, request) => this.#refused(refusal.errno, reasonOf(refusal), request),
    );
    for (let i = 0; i < count; i++) this.#settle(this.#places[i] as number);
    return this.#columns.queued > 0;
  }

  /** @returns how many are to change */
  #collect(removes: boolean): number {
    const { store } = this.#columns;
    let count = 0;
    while (count < MOST_AT_ONCE) {
      const place = this.#columns.dequeue();
      if (place < 0) break;
      const wanted = store.wanted[place] as Target;
      const installed = store.installed[place] as Target;
      if (wanted === Targets.none && !removes) continue;
      if (this.#sets.effective(wanted) === installed) {
        this.#columns.release(place);
        continue;
      }
      this.#places[count] = place;
      this.#before[count] = installed;
      count++;
    }
    return count;
  }

  #add(add: Parameters<Parameters<NetlinkRequests['batch']>[0]>[0], i: number): void {
    const place = this.#places[i] as number;
    const { store } = this.#columns;
    const before = this.#before[i] as Target;
    const after = this.#sets.effective(store.wanted[place] as Target);
    const route = this.#routeAt(place, after);
    this.#columns.setInstalled(place, after);
    if (after === Targets.none) {
      this.removed++;
      add('route', 'deleted', 0, route);
    } else if (before === Targets.none) {
      this.added++;
      add('route', 'added', ADD, route);
    } else {
      this.replaced++;
      add('route', 'added', REPLACE, route);
    }
  }

  #routeAt(place: number, target: Target): Route {
    const { store } = this.#columns;
    const key = store.keys[place] as number;
    const route = familyOfKey(key) === Family.ipv4 ? this.#route4 : this.#route6;
    addressOf(store.words, place * 4, route.destination);
    route.destinationLength = lengthOf(key);
    route.table = this.#own.tables[tableOf(key)] as number;
    // To remove it, whatever it leads to.
    route.type = target === Targets.none ? 0 : routeType(target);
    route.nextHop = target >= FIRST_SET ? target : 0;
    return route;
  }

  #settle(place: number): void {
    const { wanted, installed } = this.#columns.store;
    if (this.#sets.effective(wanted[place] as Target) === installed[place]) {
      this.#columns.mark(place, Mark.conflict | Mark.refused, false);
    }
    this.#columns.release(place);
  }

  #refused(errno: number, reason: string, i: number): void {
    const place = this.#places[i] as number;
    const before = this.#before[i] as Target;
    if (this.#columns.store.installed[place] === Targets.none) {
      // One that is not there is what was wanted.
      if (errno !== Errno.esrch) this.surprised = true;
      return;
    }
    const mark = errno === Errno.eexist ? Mark.conflict : Mark.refused;
    // What was known is tried again from time to time.
    if (!this.#columns.has(place, mark)) this.surprised = true;
    this.#columns.setInstalled(place, before);
    this.#columns.mark(place, mark, true);
    if (errno !== Errno.eexist) this.lastRefusal = reason;
  }
}
