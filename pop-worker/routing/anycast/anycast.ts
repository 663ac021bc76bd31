import { nowUs } from '#host/clock/clock.ts';
import {
  type Announcement,
  Announcer,
  type AnnouncerInput,
  type AnnouncerRules,
  type AnycastOrder,
  type AnycastState,
} from '#protocol/anycast/announcer.ts';
import type { CheckRules, CheckState } from '#protocol/anycast/check.ts';
import type { DrainReport } from '#protocol/anycast/drain.ts';

/** Something that has to hold, and how it is found out. */
export interface RunningCheck extends CheckRules {
  /** Milliseconds from one answer to the next question. */
  readonly everyMs: number;
  /** @returns undefined: it holds; else in words why not. Never rejects, and ends by itself. */
  ask(): string | undefined | Promise<string | undefined>;
}

export interface AnycastPorts {
  /** What the neighbours are to be told from now on. */
  announce(announcement: Announcement): void;
  /** It is in another state. @param reason in words, where a check is the cause */
  became(state: AnycastState, reason: string | undefined): void;
  /** A drain is over. */
  drained(report: DrainReport): void;
}

/** What `cloudbridge worker status` shows of it. */
export interface AnycastStatus {
  readonly state: AnycastState;
  readonly announcement: Announcement;
  readonly held: number;
  readonly checks: readonly { readonly name: string; readonly state: CheckState; readonly reason: string }[];
  readonly drain?: {
    readonly sessions: number;
    readonly left: number;
    readonly ended?: string;
    readonly seconds: number;
  };
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const NOT_ANNOUNCED: Announcement = { isAnnounced: false, preference: 0, isLeaving: false };

/** Runs an `Announcer`: asks its checks again and again, and wakes it when time brings something. */
export class Anycast {
  readonly #announcer: Announcer;
  readonly #ports: AnycastPorts;
  readonly #checks: readonly RunningCheck[];
  readonly #timers = new Set<NodeJS.Timeout>();
  #wake: NodeJS.Timeout | undefined;
  #state: AnycastState = 'waiting';
  #isStopped = false;
  #toldDrain: DrainReport | undefined;
  readonly #slot = { announcement: NOT_ANNOUNCED };

  constructor(rules: Omit<AnnouncerRules, 'checks'>, checks: readonly RunningCheck[], ports: AnycastPorts) {
    this.#announcer = new Announcer({ ...rules, checks });
    this.#checks = checks;
    this.#ports = ports;
  }

  start(): void {
    for (const check of this.#checks) void this.#ask(check);
  }

  /** Nothing is asked or announced any more; what was announced is somebody else's to withdraw. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#wake);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  order(order: AnycastOrder): void {
    this.#give({ type: 'order', order });
  }

  /** How many sessions are here. */
  sessions(count: number): void {
    this.#give({ type: 'sessions', count });
  }

  /** Whether one of the prefixes is announced by nobody else, as far as is known. */
  alone(isAlone: boolean): void {
    this.#give({ type: 'alone', isAlone });
  }

  /** A drain is under way. */
  get isDraining(): boolean {
    const { drain } = this.#announcer;
    return drain !== undefined && drain.ended === undefined;
  }

  get announcement(): Announcement {
    return this.#slot.announcement;
  }

  status(): AnycastStatus {
    const { state, held, checks, drain } = this.#announcer;
    const endedUs = drain?.ended?.atUs ?? nowUs();
    return {
      state,
      announcement: this.announcement,
      held,
      checks: Array.from(checks, (check) => ({ name: check.rules.name, state: check.state, reason: check.reason })),
      ...(drain !== undefined && {
        drain: {
          sessions: drain.sessions,
          left: drain.left,
          seconds: Math.round((endedUs - drain.startedUs) / 1e6),
          ...(drain.ended !== undefined && { ended: drain.ended.how }),
        },
      }),
    };
  }

  async #ask(check: RunningCheck): Promise<void> {
    const answer = check.ask();
    // What is known at once is told at once: a turn of the loop is what a wedged thread must not cost.
    const reason = typeof answer === 'object' ? await answer : answer;
    if (this.#isStopped) return;
    this.#give({ type: 'check', name: check.name, ...(reason !== undefined && { reason }) });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#ask(check);
    }, check.everyMs);
    timer.unref();
    this.#timers.add(timer);
  }

  #give(input: AnnouncerInput): void {
    if (this.#isStopped) return;
    const now = nowUs();
    this.#announcer.handle(input, now);
    while (this.#announcer.poll(now, this.#slot)) this.#ports.announce(this.#slot.announcement);
    this.#tell();
    this.#arm(now);
  }

  #tell(): void {
    const { state, drain } = this.#announcer;
    if (state !== this.#state) {
      this.#state = state;
      const failed = [...this.#announcer.checks].find(
        (check) => check.state === 'failed' && check.rules.effect !== 'show',
      );
      this.#ports.became(state, failed?.reason);
    }
    if (drain?.ended === undefined || drain === this.#toldDrain) return;
    this.#toldDrain = drain;
    this.#ports.drained(drain);
  }

  #arm(now: number): void {
    clearTimeout(this.#wake);
    const at = this.#announcer.deadline();
    if (at === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(Math.max(0, Math.ceil((at - now) / 1000)), LONGEST_TIMER_MS);
    this.#wake = setTimeout(() => this.#give({ type: 'time' }), ms);
    this.#wake.unref();
  }
}
