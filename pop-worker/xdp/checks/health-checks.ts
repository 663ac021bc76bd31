import type { HealthChange } from '../balance/wanted.ts';
import type { HealthState } from './backend-health.ts';
import { CheckedBackend } from './checked-backend.ts';
import { judge } from './service-health.ts';
import { type CheckCounts, type ChecksStatus, noCounts, statusOf } from './status.ts';
import type { CheckResult, CheckTarget } from './wanted.ts';

/** Checks that may be on their way together, each with a socket; whoever is due waits until there is room. */
export const MOST_AT_ONCE = 256;

/** A check to make now. */
export interface StartedCheck {
  readonly id: number;
  readonly target: CheckTarget;
}

/** What people may want to hear of. */
export type CheckNotice =
  | {
      readonly of: 'backend';
      readonly service: string;
      readonly backend: string;
      readonly state: HealthState;
      readonly reason: string;
    }
  | { readonly of: 'service'; readonly service: string; readonly isPanicking: boolean };

/** What has to be done about what was found. */
export interface Found {
  readonly changes: readonly HealthChange[];
  readonly notices: readonly CheckNotice[];
}

const nameOf = ({ service, backend }: Pick<CheckTarget, 'service' | 'backend'>): string => `${service} ${backend}`;

/**
 * Which check is made when, and what of backends follows from results. It does nothing by itself: who runs it asks what is due,
 * makes the checks, and says how they ended. Times are milliseconds of any clock that only goes on.
 */
export class HealthChecks {
  readonly #random: () => number;
  readonly #mostAtOnce: number;
  #backends: ReadonlyMap<string, CheckedBackend> = new Map();
  #services: ReadonlyMap<string, readonly CheckedBackend[]> = new Map();
  readonly #running = new Map<number, CheckedBackend>();
  readonly #panicking = new Set<string>();
  readonly #counts: CheckCounts = noCounts();
  #panics = 0;
  #lastId = 0;
  #changes: HealthChange[] = [];
  #notices: CheckNotice[] = [];

  /** @param random from 0, below 1 */
  constructor(random: () => number, mostAtOnce = MOST_AT_ONCE) {
    this.#random = random;
    this.#mostAtOnce = mostAtOnce;
  }

  /**
   * These from now on, and no others. Who is not checked any more is used.
   *
   * @param left of those that are new: with what a process before this one has left them
   */
  set(targets: readonly CheckTarget[], nowMs: number, left: readonly HealthChange[] = []): void {
    const leftWith = new Map(left.map((one) => [nameOf(one), one.health]));
    const before = this.#backends;
    const backends = new Map<string, CheckedBackend>();
    for (const target of targets) {
      const name = nameOf(target);
      const known = before.get(name);
      known?.change(target, nowMs);
      backends.set(name, known ?? new CheckedBackend(target, this.#random, nowMs, leftWith.get(name) ?? 'up'));
    }
    this.#backends = backends;
    for (const [name, backend] of before) if (!backends.has(name)) this.#tell(backend, 'up');
    this.#services = Map.groupBy(backends.values(), ({ target: { service } }) => service);
    for (const service of this.#panicking) if (!this.#services.has(service)) this.#panicking.delete(service);
    for (const service of this.#services.keys()) this.#judge(service);
  }

  /** Checks to make now: those that have waited longest, and no more than may be made at once. */
  due(nowMs: number): StartedCheck[] {
    const due: CheckedBackend[] = [];
    for (const backend of this.#backends.values()) {
      if (backend.health.settle(nowMs)) this.#changed(backend);
      if (backend.running === undefined && backend.dueMs <= nowMs) due.push(backend);
    }
    const room = Math.max(0, this.#mostAtOnce - this.#running.size);
    return due
      .toSorted((a, b) => a.dueMs - b.dueMs)
      .slice(0, room)
      .map((backend) => {
        const id = ++this.#lastId;
        backend.start(id, nowMs);
        this.#running.set(id, backend);
        return { id, target: backend.target };
      });
  }

  /** When to ask again what is due, at the latest; undefined: never, as nobody is checked. */
  deadlineMs(): number | undefined {
    let deadline: number | undefined;
    for (const { running, dueMs } of this.#backends.values())
      if (running === undefined && dueMs < (deadline ?? Number.POSITIVE_INFINITY)) deadline = dueMs;
    return deadline;
  }

  /** A check has ended. Of one that nobody wants any more nothing follows. */
  seen(id: number, result: CheckResult, nowMs: number): void {
    const backend = this.#running.get(id);
    this.#running.delete(id);
    if (backend === undefined || backend.running !== id) return;
    const { target, health } = backend;
    if (this.#backends.get(nameOf(target)) !== backend) return;
    backend.running = undefined;
    backend.last = result;
    this.#counts[target.check.kind][result.outcome]++;
    if (health.seen(result.outcome === 'passed', nowMs)) this.#changed(backend);
  }

  #changed({ target: { service, backend }, health: { state }, last }: CheckedBackend): void {
    this.#notices.push({ of: 'backend', service, backend, state, reason: last?.reason ?? '' });
    this.#judge(service);
  }

  #judge(service: string): void {
    const { of, isPanicking } = judge(this.#services.get(service) ?? []);
    for (const [backend, health] of of) this.#tell(backend, health);
    if (isPanicking === this.#panicking.has(service)) return;
    if (isPanicking) {
      this.#panicking.add(service);
      this.#panics++;
    } else this.#panicking.delete(service);
    this.#notices.push({ of: 'service', service, isPanicking });
  }

  #tell(backend: CheckedBackend, health: HealthChange['health']): void {
    if (backend.told === health) return;
    backend.told = health;
    this.#changes.push({ service: backend.target.service, backend: backend.target.backend, health });
  }

  /** What has to be done since it was asked for last. */
  take(): Found {
    const found = { changes: this.#changes, notices: this.#notices };
    this.#changes = [];
    this.#notices = [];
    return found;
  }

  status(nowMs: number): ChecksStatus {
    return statusOf({
      ...{ services: this.#services, panicking: this.#panicking, panics: this.#panics },
      ...{ counts: this.#counts, nowMs },
    });
  }
}
