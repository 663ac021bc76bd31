import type { MonitorSink } from '#host/netlink/monitor.ts';
import { Family } from '#protocol/netlink/family.ts';
import type { Objects } from '#protocol/netlink/kinds.ts';
import type { HopSets } from './hop-sets.ts';
import { isOwnRoute, prefixOfRoute, targetOfRoute } from './kernel-state.ts';
import type { Links } from './links.ts';
import type { Ownership } from './ownership.ts';
import type { RouteColumns } from './route-columns.ts';
import { Mark } from './route-store.ts';
import type { Steering } from './steering.ts';
import { Target } from './targets.ts';

/** What is to be done about what the kernel told. */
export interface Consequences {
  /** Everything of ours is being read: what is told meanwhile may or may not be in it. */
  readonly isReading: boolean;
  /** Something is not as we know it, and only reading everything tells what. */
  compare(): void;
  /** Somebody else changed what is ours. */
  repair(): void;
  /** Rules of ours changed. */
  rules(): void;
  /** A hop that the kernel refused may be tried again. */
  hops(): void;
  links(devices: readonly string[]): void;
  /** Something was not told. */
  lost(): void;
}

/** Changes that others make in the kernel. */
export class Notifications implements MonitorSink {
  readonly #own: Ownership;
  readonly #tables: ReadonlyMap<number, number>;
  readonly #links: Links;
  readonly #sets: HopSets;
  readonly #columns: RouteColumns;
  readonly #steering: Steering;
  readonly #consequences: Consequences;

  constructor(
    own: Ownership,
    tables: ReadonlyMap<number, number>,
    parts: {
      readonly links: Links;
      readonly sets: HopSets;
      readonly columns: RouteColumns;
      readonly steering: Steering;
    },
    consequences: Consequences,
  ) {
    this.#own = own;
    this.#tables = tables;
    this.#links = parts.links;
    this.#sets = parts.sets;
    this.#columns = parts.columns;
    this.#steering = parts.steering;
    this.#consequences = consequences;
  }

  lost(): void {
    this.#consequences.lost();
  }

  changed<Name extends keyof Objects>(kind: Name, what: 'added' | 'deleted', object: Objects[Name]): void {
    const consequences = this.#consequences;
    if (consequences.isReading) {
      if (this.#concerns(kind, object)) consequences.compare();
    } else if (kind === 'link') {
      consequences.links(this.#links.changed(what, object as Objects['link']));
    } else if (kind === 'address' && what === 'added') this.#addressAdded(object as Objects['address']);
    else if (kind === 'route') this.#routeChanged(what, object as Objects['route']);
    else if (kind === 'nextHop') this.#nextHopChanged(what, object as Objects['nextHop']);
    else if (kind === 'rule' && this.#steering.changed(what, object as Objects['rule'])) consequences.rules();
  }

  #concerns<Name extends keyof Objects>(kind: Name, object: Objects[Name]): boolean {
    if (kind === 'route') return isOwnRoute(this.#own, object as Objects['route']);
    if (kind === 'nextHop') return (object as Objects['nextHop']).protocol === this.#own.protocol;
    if (kind === 'rule') return this.#steering.isOwn(object as Objects['rule']);
    return kind === 'link' && (object as Objects['link']).family === Family.any;
  }

  /** A gateway that was on no link may be on one now. */
  #addressAdded({ index }: Objects['address']): void {
    const device = this.#links.name(index);
    const again = [...this.#sets.hops()].filter((hop) => hop.device === device && hop.refusal !== undefined);
    for (const hop of again) hop.refusal = undefined;
    if (again.length > 0) this.#consequences.hops();
  }

  #routeChanged(what: 'added' | 'deleted', route: Objects['route']): void {
    const table = this.#tables.get(route.table);
    if (table === undefined || route.metric !== this.#own.metric) return;
    const prefix = prefixOfRoute(route);
    const known = this.#columns.find(prefix, table);
    if (isOwnRoute(this.#own, route)) {
      const place = known < 0 ? this.#columns.put(prefix, table) : known;
      this.#columns.setInstalled(place, what === 'added' ? targetOfRoute(this.#sets, route) : Target.none);
      this.#columns.enqueue(place);
      this.#consequences.repair();
    } else if (known >= 0 && what === 'added' && this.#columns.store.installed[known] !== Target.none) {
      // It may have taken the place of ours, which is not told.
      this.#consequences.compare();
    } else if (known >= 0 && this.#columns.has(known, Mark.conflict)) {
      this.#columns.enqueue(known);
      this.#consequences.repair();
    }
  }

  /** Routes may have gone with it, or groups lost a member. */
  #nextHopChanged(what: 'added' | 'deleted', { id }: Objects['nextHop']): void {
    if (this.#sets.get(id) === undefined) return;
    if (what === 'deleted') this.#sets.removed(id);
    this.#consequences.compare();
  }
}
