import { nowUs } from '#host/clock/clock.ts';
import { Advice, type AdviceOptions, type Verdict } from '#protocol/bfd/advice.ts';
import type { Timing } from '#protocol/bfd/parameters.ts';
import type { BfdChange } from './messages.ts';
import type { BfdSessionConfig } from './setup.ts';
import type { BfdListener, ThreadSession } from './thread-session.ts';

/** A path that clients have watched: the session, but for its timing. */
export type BfdPath = Omit<BfdSessionConfig, keyof Timing>;

/** What somebody wants to know of a path. */
export interface BfdInterest extends AdviceOptions {
  readonly timing: Timing;
  /** The path failed, or works again (RFC 5882 §3, §4). @param isOwn we ourselves are why (`BfdChange`) */
  told(verdict: Exclude<Verdict, 'none'>, isOwn: boolean): void;
  /** There is no session and will be none; one sentence. */
  refused(message: string): void;
  /** There is none yet, and it is tried again; one sentence. */
  unopened(message: string): void;
}

/** A `BfdThread`, or a `SeatedBfd`. */
export interface BfdSource {
  open(config: BfdSessionConfig, listener: BfdListener): ThreadSession;
}

/** Two clients want the same path watched in ways that do not go together. */
export class BfdPathConflict extends Error {
  override readonly name = 'BfdPathConflict';
}

/** One client of a path. */
export interface BfdClient {
  /** Wants to notice sooner or later than it did: a session that is Up stays so (RFC 5880 §6.8.3). */
  retime(timing: Timing): void;
  /** Whether an adjacency may come up (RFC 5882 §4.1). @param isWilling the peer is known to do BFD too */
  mayEstablish(isWilling: boolean): boolean;
  /** The last one that leaves ends the session, administratively. */
  leave(): void;
}

const keyOf = ({ local, remote, device = '', multiHop }: BfdPath): string =>
  [local, remote, device, multiHop ? 'multi' : 'single'].join(' ');

/** All that must be equal, as text. */
const rulesOf = ({ pointToPoint = false, leastHopLimit = 1, passive = false, authentication }: BfdPath): string => {
  const keys = authentication?.keys.map(({ id, secret }) => [id, ...secret]);
  return JSON.stringify([pointToPoint, leastHopLimit, passive, authentication?.type, keys]);
};

/** Of several clients the shortest Detection Time counts: who wants a longer one has patience (RFC 5882 §4.1). */
const shortest = (timings: Iterable<Timing>): Timing => {
  const all = [...timings];
  const timeOf = ({ detectMult, requiredMinRxUs }: Timing): number => detectMult * requiredMinRxUs;
  return all.reduce((best, timing) => (timeOf(timing) < timeOf(best) ? timing : best));
};

const isSame = (one: Timing, other: Timing): boolean =>
  one.desiredMinTxUs === other.desiredMinTxUs &&
  one.requiredMinRxUs === other.requiredMinRxUs &&
  one.detectMult === other.detectMult;

/** A path that is watched, as it is seen from outside. */
export interface WatchedView {
  readonly path: BfdPath;
  /** `ThreadSession.stats`. */
  readonly stats: Float64Array | undefined;
  /** Why it has no sockets; one sentence. */
  readonly trouble: string | undefined;
}

/** Paths that are watched, one session each, however many want to know of them (RFC 5882 §2, §4.4). */
export class BfdClients {
  readonly #thread: BfdSource;
  readonly #paths = new Map<string, WatchedPath>();

  constructor(thread: BfdSource) {
    this.#thread = thread;
  }

  /** @throws BfdPathConflict */
  join(path: BfdPath, interest: BfdInterest): BfdClient {
    const key = keyOf(path);
    const known = this.#paths.get(key);
    if (known !== undefined) return known.add(path, interest);
    const made = new WatchedPath(this.#thread, path, interest.timing, () => this.#paths.delete(key));
    this.#paths.set(key, made);
    return made.add(path, interest);
  }

  paths(): Iterable<WatchedView> {
    return this.#paths.values();
  }
}

class WatchedPath implements WatchedView {
  readonly path: BfdPath;
  readonly #rules: string;
  readonly #session: ThreadSession;
  readonly #members = new Set<Member>();
  readonly #onEmpty: () => void;
  #timing: Timing;
  trouble: string | undefined;
  #last: BfdChange | undefined;

  constructor(thread: BfdSource, path: BfdPath, timing: Timing, onEmpty: () => void) {
    this.path = path;
    this.#rules = rulesOf(path);
    this.#timing = timing;
    this.#onEmpty = onEmpty;
    this.#session = thread.open(
      { ...path, ...timing },
      {
        changed: (change) => {
          this.#last = change;
          for (const member of [...this.#members]) member.onChange(change);
        },
        refused: (message) => {
          onEmpty();
          for (const { interest } of [...this.#members]) interest.refused(message);
        },
        opened: () => {
          this.trouble = undefined;
        },
        unopened: (message) => {
          this.trouble = message;
          for (const { interest } of [...this.#members]) interest.unopened(message);
        },
      },
    );
  }

  get stats(): Float64Array | undefined {
    return this.#session.stats;
  }

  /** @throws BfdPathConflict */
  add(path: BfdPath, interest: BfdInterest): BfdClient {
    if (rulesOf(path) !== this.#rules) {
      throw new BfdPathConflict(
        `BFD from ${path.local} to ${path.remote} is wanted with other keys or hop limits than it runs with: give all that use it the same.`,
      );
    }
    const member = new Member(interest, {
      left: (gone) => this.#remove(gone),
      retimed: () => this.#retime(),
    });
    this.#members.add(member);
    this.#retime();
    if (this.#last !== undefined) member.onChange(this.#last);
    return member;
  }

  #remove(member: Member): void {
    this.#members.delete(member);
    if (this.#members.size > 0) {
      this.#retime();
      return;
    }
    this.#onEmpty();
    this.#session.close();
  }

  #retime(): void {
    const timing = shortest([...this.#members].map((member) => member.timing));
    if (isSame(timing, this.#timing)) return;
    this.#timing = timing;
    this.#session.setTiming(timing);
  }
}

interface MemberEvents {
  left(member: Member): void;
  retimed(): void;
}

class Member implements BfdClient {
  readonly interest: BfdInterest;
  timing: Timing;
  readonly #advice: Advice;
  readonly #events: MemberEvents;
  #timer: NodeJS.Timeout | undefined;
  #hasLeft = false;

  constructor(interest: BfdInterest, events: MemberEvents) {
    this.interest = interest;
    this.timing = interest.timing;
    this.#advice = new Advice(interest);
    this.#events = events;
  }

  onChange({ to, remoteState, atUs, isOwn }: BfdChange): void {
    this.#tell(this.#advice.onChange(to, remoteState, atUs), isOwn);
    clearTimeout(this.#timer);
    const { deadline } = this.#advice;
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#tell(this.#advice.onTime(deadline), isOwn), (deadline - nowUs()) / 1000);
  }

  mayEstablish(isWilling: boolean): boolean {
    return this.#advice.mayEstablish(isWilling);
  }

  retime(timing: Timing): void {
    if (this.#hasLeft) return;
    this.timing = timing;
    this.#events.retimed();
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    clearTimeout(this.#timer);
    this.#events.left(this);
  }

  #tell(verdict: Verdict, isOwn: boolean): void {
    if (verdict !== 'none' && !this.#hasLeft) this.interest.told(verdict, isOwn);
  }
}
