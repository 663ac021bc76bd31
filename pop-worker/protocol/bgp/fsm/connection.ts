import { NEVER, type TimeUs } from '../../contract.ts';
import { BgpError, CeaseSubcode, ErrorCode } from '../errors.ts';
import { cease, hardReset } from '../wire/cease.ts';
import { HEADER_BYTES, MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from '../wire/header.ts';
import { writeKeepalive } from '../wire/keepalive.ts';
import { type Notification, parseNotification, writeNotification } from '../wire/notification.ts';
import { type Open, parseOpen, writeOpen } from '../wire/open.ts';
import { parseRouteRefresh, type RouteRefresh, writeRouteRefresh } from '../wire/route-refresh.ts';
import { type EndCause, type Ending, endOf } from './ending.ts';
import { Event } from './event.ts';
import { MessageQueue } from './message-queue.ts';
import { MessageStream, type StreamSink } from './message-stream.ts';
import type { Negotiated } from './negotiate.ts';
import type { SessionSettings } from './settings.ts';
import { State } from './state.ts';
import { Timers } from './timers.ts';
import { Action, fsmSubcode, type Transition, transitionOf } from './transitions.ts';

/** The neighbour that a connection belongs to. */
export interface ConnectionOwner {
  readonly settings: SessionSettings;
  /** A time with jitter (RFC 4271 §10). */
  jittered(us: TimeUs): TimeUs;
  /** A message has come, or goes. @param type as in `MessageType` */
  counted(type: number, isSent: boolean): void;
  /**
   * The neighbour's OPEN is there. @returns undefined when another connection is kept, and this one was closed
   * @throws BgpError when there is no session to be had
   */
  opened(connection: Connection, open: Open, now: TimeUs): Negotiated | undefined;
  /** It has another state than `from`. */
  changed(connection: Connection, from: State, now: TimeUs): void;
  up(connection: Connection, negotiated: Negotiated, now: TimeUs): void;
  /** @throws BgpError when it ends the session */
  update(buffer: Uint8Array, start: number, end: number, now: TimeUs): void;
  refresh(refresh: RouteRefresh, now: TimeUs): void;
  ended(connection: Connection, ending: Ending, now: TimeUs): void;
  /** TCP did not come about. @param reason for people */
  unreachable(reason: string): void;
}

/** What is wanted of TCP. */
export const Tcp = { none: 0, connecting: 1, open: 2 } as const;
export type Tcp = (typeof Tcp)[keyof typeof Tcp];

const LARGE_HOLD_US = 240e6;
const SILENT = 'it cannot be reached: no answer for the connect retry time';
/** One connection with a neighbour, made by us or by it, and its state machine (RFC 4271 §8). */
export class Connection implements StreamSink {
  readonly isOutgoing: boolean;
  state: State = State.idle;
  tcp: Tcp = Tcp.none;
  /** TCP takes no more at present. */
  isBlocked = false;
  /** The runner is to be told. */
  wantsConnect = false;
  wantsClose = false;
  negotiated: Negotiated | undefined;
  /** The OPEN that came, with its marker. */
  receivedOpen: Uint8Array = NOTHING;
  readonly timers = new Timers();
  readonly queue = new MessageQueue();
  readonly #owner: ConnectionOwner;
  #stream: MessageStream | undefined;
  #now: TimeUs = 0;

  constructor(owner: ConnectionOwner, isOutgoing: boolean) {
    this.#owner = owner;
    this.isOutgoing = isOutgoing;
  }

  isOver(): boolean {
    return this.tcp !== Tcp.open;
  }

  /** Bytes came from TCP. */
  receive(bytes: Uint8Array, start: number, end: number, now: TimeUs): void {
    if (this.tcp !== Tcp.open) return;
    this.#now = now;
    try {
      this.#stream?.take(bytes, start, end, this);
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.fail(error, now);
    }
  }

  /** TCP is there, by us or by the neighbour. */
  connected(now: TimeUs): void {
    this.tcp = Tcp.open;
    this.isBlocked = false;
    // What was left to be said and done was of the one before, which this one has replaced.
    this.wantsClose = false;
    this.queue.clear();
    const isExtended = this.#owner.settings.capabilities.extendedMessages;
    this.#stream = new MessageStream(isExtended ? MAX_EXTENDED_MESSAGE_BYTES : MAX_MESSAGE_BYTES);
    this.apply(this.isOutgoing ? Event.tcpAcknowledged : Event.tcpConfirmed, now);
  }

  /** TCP is no more, or was not to be had. @param reason for people */
  lost(now: TimeUs, reason?: string): void {
    if (this.tcp === Tcp.none) return;
    const wasThere = this.tcp === Tcp.open;
    this.tcp = Tcp.none;
    this.queue.clear();
    this.apply(Event.tcpFails, now, undefined, reason);
    if (!wasThere) this.#owner.unreachable(reason ?? 'it cannot be reached');
  }

  /** Another connection is there in place of this one: closed without a word (RFC 4724 §4.2). @param reason for people */
  replaced(now: TimeUs, reason: string): void {
    const isOpen = this.tcp === Tcp.open;
    this.lost(now, reason);
    this.wantsClose = isOpen;
  }

  /** TCP takes no more, or takes more again. */
  setBlocked(isBlocked: boolean, now: TimeUs): void {
    if (this.tcp !== Tcp.open || this.isBlocked === isBlocked) return;
    this.isBlocked = isBlocked;
    const { sendHoldUs } = this.#owner.settings;
    this.timers.sendHoldAt = isBlocked && sendHoldUs > 0 ? now + sendHoldUs : NEVER;
  }

  /** Does what is due. */
  expire(now: TimeUs): void {
    const { timers } = this;
    if (now >= timers.connectRetryAt) {
      if (this.tcp === Tcp.connecting) this.#owner.unreachable(SILENT);
      this.apply(Event.connectRetryExpires, now);
    }
    if (now >= timers.sendHoldAt) this.apply(Event.sendHoldExpires, now);
    if (now >= timers.holdAt) this.apply(Event.holdExpires, now);
    if (now >= timers.keepaliveAt) this.apply(Event.keepaliveExpires, now);
  }

  /** UPDATEs went out: no KEEPALIVE is needed for a while (RFC 4271 §8.2.2). */
  wroteUpdates(now: TimeUs): void {
    this.#startKeepalive(now);
  }

  askRefresh(refresh: RouteRefresh): void {
    this.#owner.counted(5, true);
    this.queue.add(32, (buffer, at) => writeRouteRefresh(buffer, at, refresh));
  }

  /**
   * Lets an event happen.
   *
   * @param tells the NOTIFICATION of an event that has its own
   * @param reason for people
   */
  apply(event: Event, now: TimeUs, tells?: Notification, reason?: string, cause?: EndCause): void {
    const transition = transitionOf(this.state, event);
    if (transition === undefined) return;
    const { state: from, negotiated } = this;
    const isTold = transition.actions.includes(Action.notify);
    const isHeard = event === Event.notification || event === Event.versionNotification;
    const known = isHeard ? tells : undefined;
    const notification = isTold ? hardened(tells ?? this.#notificationOf(event), negotiated) : known;
    // One that the neighbour made is not made again.
    const to = transition.to === State.active && !this.isOutgoing ? State.idle : transition.to;
    this.state = to;
    this.#do(transition, notification, now);
    if (to !== from) this.#owner.changed(this, from, now);
    if (to === State.established && from !== to) this.#owner.up(this, negotiated as Negotiated, now);
    // An attempt that is given up is no connection that ends.
    if (event === Event.manualStop && from < State.openSent) return;
    if ((from < State.openSent || to >= State.openSent) && (to !== State.idle || from === to)) return;
    this.#owner.ended(this, endOf(event, from, notification, isTold, negotiated, reason, cause), now);
  }

  open(buffer: Uint8Array, start: number, end: number): boolean {
    this.#owner.counted(1, false);
    const now = this.#now;
    if (this.state === State.openSent) {
      const open = parseOpen(buffer, start, end);
      this.receivedOpen = buffer.slice(start - HEADER_BYTES, end);
      this.negotiated = this.#owner.opened(this, open, now);
      if (this.negotiated === undefined) return false;
    }
    this.apply(Event.open, now);
    return this.tcp === Tcp.open;
  }

  update(buffer: Uint8Array, start: number, end: number): boolean {
    this.#owner.counted(2, false);
    const isProcessed = this.state === State.established;
    this.apply(Event.update, this.#now);
    if (isProcessed) this.#owner.update(buffer, start, end, this.#now);
    return this.tcp === Tcp.open;
  }

  notification(buffer: Uint8Array, start: number, end: number): boolean {
    this.#owner.counted(3, false);
    const notification = parseNotification(buffer, start, end);
    const isVersion = notification.code === ErrorCode.open && notification.subcode === 1;
    this.apply(isVersion ? Event.versionNotification : Event.notification, this.#now, notification);
    return false;
  }

  keepalive(): boolean {
    this.#owner.counted(4, false);
    this.apply(Event.keepalive, this.#now);
    return this.tcp === Tcp.open;
  }

  routeRefresh(buffer: Uint8Array, start: number, end: number): boolean {
    this.#owner.counted(5, false);
    const isProcessed = this.state === State.established;
    const isEnhanced = this.negotiated?.enhancedRouteRefresh === true;
    const refresh = isProcessed ? parseRouteRefresh(buffer, start, end, isEnhanced) : undefined;
    this.apply(Event.routeRefresh, this.#now);
    if (refresh !== undefined) this.#owner.refresh(refresh, this.#now);
    return this.tcp === Tcp.open;
  }

  /** Ends it as an error says. */
  fail(error: BgpError, now: TimeUs): void {
    const { code, subcode, data } = error;
    const event =
      code === ErrorCode.messageHeader
        ? Event.headerError
        : code === ErrorCode.open
          ? Event.openError
          : code === ErrorCode.update || code === ErrorCode.routeRefresh
            ? Event.updateError
            : Event.automaticStop;
    const isLimit = subcode === CeaseSubcode.maximumPrefixes;
    const cause = event !== Event.automaticStop ? 'error' : isLimit ? 'max_prefix' : 'resources';
    this.apply(event, now, { code, subcode, data }, error.message, cause);
  }

  #notificationOf(event: Event): Notification {
    switch (event) {
      case Event.holdExpires:
        return { code: ErrorCode.holdTimerExpired, subcode: 0, data: NOTHING };
      case Event.sendHoldExpires:
        return { code: ErrorCode.sendHoldTimerExpired, subcode: 0, data: NOTHING };
      case Event.collisionDump:
        return cease(CeaseSubcode.collisionResolution);
      default:
        return { code: ErrorCode.finiteStateMachine, subcode: fsmSubcode(this.state), data: NOTHING };
    }
  }

  #do({ actions }: Transition, notification: Notification | undefined, now: TimeUs): void {
    for (const action of actions) {
      switch (action) {
        case Action.connect:
          this.tcp = Tcp.connecting;
          this.wantsConnect = true;
          break;
        case Action.sendOpen:
          this.#sendOpen();
          break;
        case Action.sendKeepalive:
          this.#sendKeepalive();
          break;
        case Action.notify:
          this.#owner.counted(3, true);
          this.queue.add(MAX_MESSAGE_BYTES, (buffer, at) =>
            writeNotification(buffer, at, at + MAX_MESSAGE_BYTES, notification as Notification),
          );
          break;
        case Action.drop:
          this.#drop();
          break;
        case Action.startConnectRetry:
          if (this.isOutgoing)
            this.timers.connectRetryAt = now + this.#owner.jittered(this.#owner.settings.connectRetryUs);
          break;
        case Action.stopConnectRetry:
          this.timers.connectRetryAt = NEVER;
          break;
        case Action.startLargeHold:
          this.timers.holdAt = now + LARGE_HOLD_US;
          break;
        case Action.startNegotiated:
          this.#restartHold(now);
          this.#startKeepalive(now);
          break;
        case Action.restartHold:
          this.#restartHold(now);
          break;
        case Action.restartKeepalive:
          this.#startKeepalive(now);
          break;
      }
    }
  }

  #sendOpen(): void {
    const { localAs, identifier, holdTimeS, capabilities } = this.#owner.settings;
    this.#owner.counted(1, true);
    this.queue.add(MAX_MESSAGE_BYTES, (buffer, at) =>
      writeOpen(buffer, at, { as: localAs, identifier, holdTimeS, capabilities }),
    );
  }

  #sendKeepalive(): void {
    // What cannot go out is not heaped up.
    if (this.isBlocked) return;
    this.#owner.counted(4, true);
    this.queue.add(32, writeKeepalive);
  }

  #drop(): void {
    this.timers.stop();
    this.#stream = undefined;
    this.negotiated = undefined;
    this.wantsConnect = false;
    if (this.tcp !== Tcp.none) this.wantsClose = true;
    this.tcp = Tcp.none;
  }

  #restartHold(now: TimeUs): void {
    const seconds = this.negotiated?.holdTimeS ?? 0;
    this.timers.holdAt = seconds === 0 ? NEVER : now + seconds * 1e6;
  }

  /** A third of the hold time (RFC 4271 §4.4). */
  #startKeepalive(now: TimeUs): void {
    const seconds = this.negotiated?.holdTimeS ?? 0;
    this.timers.keepaliveAt = seconds === 0 ? NEVER : now + this.#owner.jittered((seconds * 1e6) / 3);
  }
}

/** After which there is nothing to be kept: without a Hard Reset, the neighbour might (RFC 8538 §5.1). */
const HARD: ReadonlySet<number> = new Set([
  CeaseSubcode.maximumPrefixes,
  CeaseSubcode.administrativeShutdown,
  CeaseSubcode.peerDeconfigured,
  CeaseSubcode.administrativeReset,
  CeaseSubcode.bfdDown,
]);

const hardened = (notification: Notification, negotiated: Negotiated | undefined): Notification =>
  negotiated?.gracefulNotification === true && notification.code === ErrorCode.cease && HARD.has(notification.subcode)
    ? hardReset(notification)
    : notification;

const NOTHING = new Uint8Array(0);
