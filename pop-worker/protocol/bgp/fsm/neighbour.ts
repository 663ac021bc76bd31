import { NEVER, type Random, type TimeUs } from '../../contract.ts';
import { FlapGuard, SESSION_FLAP_RULES } from '../../flap-guard.ts';
import { type BgpError, CeaseSubcode } from '../errors.ts';
import { cease } from '../wire/cease.ts';
import type { Notification } from '../wire/notification.ts';
import type { Open } from '../wire/open.ts';
import type { RouteRefresh } from '../wire/route-refresh.ts';
import { keepsOutgoing } from './collision.ts';
import { Connection, type ConnectionOwner, Tcp } from './connection.ts';
import { type EndCause, type Ending, endOf } from './ending.ts';
import { Event } from './event.ts';
import { jitter } from './jitter.ts';
import { type Negotiated, negotiate } from './negotiate.ts';
import type { SessionSettings } from './settings.ts';
import { State } from './state.ts';

/** Who acts on what a neighbour says. */
export interface NeighbourListener {
  counted(neighbour: Neighbour, type: number, isSent: boolean): void;
  changed(neighbour: Neighbour, from: State, to: State): void;
  up(neighbour: Neighbour, negotiated: Negotiated, now: TimeUs): void;
  update(neighbour: Neighbour, buffer: Uint8Array, start: number, end: number, now: TimeUs): void;
  refresh(neighbour: Neighbour, refresh: RouteRefresh, now: TimeUs): void;
  /**
   * Of a connection that came as far as an OPEN of ours, or had been tried.
   *
   * @returns whether its routes are kept: it may be a restart (RFC 4724 §4.2), of which `restarted` is told once it is one
   */
  ended(neighbour: Neighbour, ending: Ending, now: TimeUs): boolean;
  /** Nobody wants it any more. */
  stopped(neighbour: Neighbour): void;
  /**
   * An attempt to connect has failed before there was a connection.
   *
   * @param reason for people @param isNews the attempt before did not fail for this
   */
  unreachable(neighbour: Neighbour, reason: string, isNews: boolean): void;
  /** It is not to be had before `until`, for it was lost too often. */
  heldBack(neighbour: Neighbour, until: TimeUs): void;
}

/** After an error no session is wanted for this long, doubled with each one that follows. */
const MOST_ERROR_HOLD_US = 120e6;

/** A neighbour: at most one connection made by us and one by it, of which one becomes the session. */
export class Neighbour implements ConnectionOwner {
  readonly index: number;
  settings: SessionSettings;
  readonly outgoing = new Connection(this, true);
  readonly incoming = new Connection(this, false);
  isEnabled = false;
  /** Nothing is begun before; NEVER: nothing is waited for. */
  startAt: TimeUs = NEVER;
  /** It was lost too often, and is refused until then. */
  heldUntil: TimeUs = 0;
  lastEnding: Ending | undefined;
  /** How the last session ended, and when. */
  lastSession: { readonly ending: Ending; readonly at: TimeUs } | undefined;
  /** Since when the session is there. */
  upSince: TimeUs = 0;
  /** How many sessions there were. */
  sessions = 0;
  readonly #listener: NeighbourListener;
  readonly #random: Random;
  readonly #flaps = new FlapGuard(SESSION_FLAP_RULES);
  /** When a session was lost that may have been restarted: it counts as lost too often when that was none. */
  #restartAt: TimeUs | undefined;
  #errorsInRow = 0;
  /** Why the last attempt came to no connection. */
  #unreachable: string | undefined;
  #state: State = State.idle;

  constructor(index: number, settings: SessionSettings, listener: NeighbourListener, random: Random) {
    this.index = index;
    this.settings = settings;
    this.#listener = listener;
    this.#random = random;
  }

  /** That of the connection which is nearest to a session. */
  get state(): State {
    return Math.max(this.outgoing.state, this.incoming.state) as State;
  }

  /** The connection that is the session. */
  get session(): Connection | undefined {
    if (this.outgoing.state === State.established) return this.outgoing;
    return this.incoming.state === State.established ? this.incoming : undefined;
  }

  start(now: TimeUs): void {
    this.isEnabled = true;
    this.#errorsInRow = 0;
    this.#unreachable = undefined;
    this.#flaps.clear();
    this.#restartAt = undefined;
    this.heldUntil = 0;
    this.#begin(now, Event.manualStart, Event.manualStartPassive);
  }

  /** @param notification tells the neighbour why */
  stop(now: TimeUs, notification: Notification): void {
    this.isEnabled = false;
    this.startAt = NEVER;
    for (const connection of [this.incoming, this.outgoing]) {
      connection.apply(Event.manualStop, now, notification);
    }
    this.#listener.stopped(this);
  }

  /** Ends the session for another reason than that someone wanted it; another one is begun after a while. */
  end(now: TimeUs, notification: Notification, reason: string, cause: EndCause): void {
    for (const connection of [this.incoming, this.outgoing]) {
      if (connection.state < State.openSent) continue;
      connection.apply(Event.automaticStop, now, notification, reason, cause);
    }
  }

  /**
   * Its limits of prefixes are others.
   *
   * @param excess what it has announced is more than they are
   * @param isRaised one is higher than before: who was held back for it is not any more
   */
  limited(now: TimeUs, excess: BgpError | undefined, isRaised: boolean): void {
    const isHeldForIt = now < this.heldUntil && this.lastSession?.ending.cause === 'max_prefix';
    if (excess !== undefined) this.session?.fail(excess, now);
    else if (isRaised && isHeldForIt && this.isEnabled) this.start(now);
  }

  /**
   * The neighbour has connected to us; another connection that it made before is to be closed.
   *
   * @returns undefined when it is taken, otherwise what it is told
   */
  accept(now: TimeUs): Notification | undefined {
    if (!this.isEnabled || now < this.heldUntil) return cease(CeaseSubcode.connectionRejected);
    const { session } = this;
    if ((session?.negotiated?.gracefulRestart?.families.length ?? 0) > 0) {
      // RFC 4724 §4.2: it has restarted; the old connection is to be closed, and the new one kept.
      session?.replaced(now, 'the neighbour has connected anew');
    } else if (session === this.incoming) {
      return cease(CeaseSubcode.collisionResolution);
    } else if (this.incoming.tcp !== Tcp.none) {
      // Whoever connects again has given up the one before.
      this.incoming.replaced(now, 'the neighbour has connected anew');
    }
    this.incoming.connected(now);
    return undefined;
  }

  /** Takes no routes of a family any more, until the session ends. */
  disable(family: number): void {
    const { session } = this;
    const negotiated = session?.negotiated;
    if (session === undefined || negotiated === undefined) return;
    const families = negotiated.rules.families.filter((one) => one !== family);
    session.negotiated = { ...negotiated, rules: { ...negotiated.rules, families } };
  }

  deadline(): TimeUs {
    return Math.min(this.startAt, this.outgoing.timers.deadline(), this.incoming.timers.deadline());
  }

  expire(now: TimeUs): void {
    this.incoming.expire(now);
    this.outgoing.expire(now);
    if (now >= this.startAt) this.#begin(now, Event.automaticStart, Event.automaticStartPassive);
  }

  jittered(us: TimeUs): TimeUs {
    return jitter(us, this.#random);
  }

  counted(type: number, isSent: boolean): void {
    this.#listener.counted(this, type, isSent);
  }

  opened(connection: Connection, open: Open, now: TimeUs): Negotiated | undefined {
    const negotiated = negotiate(this.settings, open);
    const other = connection === this.outgoing ? this.incoming : this.outgoing;
    // RFC 4271 §6.8.
    if (other.state === State.established) {
      connection.apply(Event.collisionDump, now);
      return undefined;
    }
    const isOursKept = keepsOutgoing(this.settings, open);
    if (other.state !== State.openConfirm) return this.#opensOne(connection, isOursKept, now) ? negotiated : undefined;
    const loser = isOursKept ? this.incoming : this.outgoing;
    loser.apply(Event.collisionDump, now);
    return loser === connection ? undefined : negotiated;
  }

  /**
   * The side whose connection would stay settles it before it says the first KEEPALIVE: the neighbour, who then knows of one
   * that can become a session, cannot be in a session on another that is ended for it (RFC 4271 §6.8 allows for OpenSent).
   *
   * @returns whether the connection goes on
   */
  #opensOne(connection: Connection, isOursKept: boolean, now: TimeUs): boolean {
    if (connection !== this.incoming || !isOursKept) return true;
    if (this.outgoing.tcp === Tcp.open) {
      connection.apply(Event.collisionDump, now);
      return false;
    }
    this.outgoing.apply(Event.manualStop, now);
    return true;
  }

  changed(): void {
    const { state } = this;
    const from = this.#state;
    if (state === from) return;
    this.#state = state;
    if (state >= State.openSent) this.#unreachable = undefined;
    this.#listener.changed(this, from, state);
  }

  up(connection: Connection, negotiated: Negotiated, now: TimeUs): void {
    this.#errorsInRow = 0;
    this.startAt = NEVER;
    this.upSince = now;
    this.sessions++;
    const other = connection === this.outgoing ? this.incoming : this.outgoing;
    other.apply(other.tcp === Tcp.open ? Event.collisionDump : Event.manualStop, now);
    this.#listener.up(this, negotiated, now);
  }

  update(buffer: Uint8Array, start: number, end: number, now: TimeUs): void {
    this.#listener.update(this, buffer, start, end, now);
  }

  refresh(refresh: RouteRefresh, now: TimeUs): void {
    this.#listener.refresh(this, refresh, now);
  }

  ended(_connection: Connection, ending: Ending, now: TimeUs): void {
    // An attempt that is not needed any more.
    if (ending.cause === 'stopped' && !ending.wasEstablished && this.session !== undefined) return;
    if (ending.wasEstablished) this.lastSession = { ending, at: now };
    if (ending.cause !== 'collision' && this.session === undefined) this.lastEnding = ending;
    const isKept = this.#listener.ended(this, ending, now);
    if (!this.isEnabled || this.outgoing.state !== State.idle || this.incoming.state !== State.idle) return;
    const until = ending.wasEstablished && ending.cause !== 'own_fault' ? this.#flapped(isKept, now) : now;
    if (until > now) {
      this.heldUntil = until;
      this.startAt = until;
      this.#listener.heldBack(this, until);
    } else this.startAt = this.#beginAt(ending, now);
  }

  unreachable(reason: string): void {
    if (this.session !== undefined) return;
    const isNews = reason !== this.#unreachable;
    this.#unreachable = reason;
    this.lastEnding = endOf(Event.tcpFails, State.connect, undefined, false, undefined, reason, undefined);
    this.#listener.unreachable(this, reason, isNews);
  }

  /** It has told again all that was kept of the session before: its restart costs nobody anything, and does not count. */
  restarted(): void {
    this.#restartAt = undefined;
  }

  /** @param isKept it may be a restart, which counts once it is known to have been none @returns until when it is held back */
  #flapped(isKept: boolean, now: TimeUs): TimeUs {
    const restartAt = this.#restartAt;
    this.#restartAt = isKept ? now : undefined;
    const until = restartAt === undefined ? now : this.#flaps.ended(restartAt);
    return isKept ? until : Math.max(until, this.#flaps.ended(now));
  }

  #beginAt(ending: Ending, now: TimeUs): TimeUs {
    if (ending.cause === 'max_prefix') {
      this.heldUntil = now + SESSION_FLAP_RULES.maxHoldUs;
      return this.heldUntil;
    }
    // Who never came to a session, however it fails, is not tried again at once: that would have no end.
    if (ending.cause === 'collision' || (ending.cause === 'connection' && ending.wasEstablished)) return now;
    if (ending.cause === 'connection') return now + this.jittered(this.settings.connectRetryUs);
    const us = Math.min(this.settings.connectRetryUs * 2 ** Math.min(this.#errorsInRow++, 16), MOST_ERROR_HOLD_US);
    return now + this.jittered(us);
  }

  #begin(now: TimeUs, active: Event, passive: Event): void {
    this.startAt = NEVER;
    if (this.session !== undefined) return;
    this.outgoing.apply(this.settings.isPassive ? passive : active, now);
  }
}
