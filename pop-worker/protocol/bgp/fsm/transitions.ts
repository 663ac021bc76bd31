import { FsmSubcode } from '../errors.ts';
import { Event } from './event.ts';
import { State } from './state.ts';

/** What is done on the way from one state to another; who does it is `Connection`. */
export const Action = {
  connect: 0,
  sendOpen: 1,
  sendKeepalive: 2,
  /** Tells the neighbour what the event's error is, before the connection goes. */
  notify: 3,
  /** Closes the TCP connection, or stops trying to have one. */
  drop: 4,
  startConnectRetry: 5,
  stopConnectRetry: 6,
  /** Four minutes until the neighbour's OPEN is there (RFC 4271 §8.2.2). */
  startLargeHold: 7,
  /** That which was negotiated; and the KEEPALIVE timer. */
  startNegotiated: 8,
  restartHold: 9,
  restartKeepalive: 10,
  /** The session is there. */
  up: 11,
  /** What a message says is acted on. */
  process: 12,
} as const;
export type Action = (typeof Action)[keyof typeof Action];

export interface Transition {
  readonly to: State;
  readonly actions: readonly Action[];
}

const { idle, connect, active, openSent, openConfirm, established } = State;
const A = Action;

const go = (to: State, ...actions: Action[]): Transition => ({ to, actions });
const END = go(idle, A.drop);
const TELL = go(idle, A.notify, A.drop);
const TRY = go(connect, A.startConnectRetry, A.connect);
const OPEN = go(openSent, A.stopConnectRetry, A.sendOpen, A.startLargeHold);

/** A state: what each event does, and what those do that are not named. */
interface Row {
  readonly events: Readonly<Partial<Record<Event, Transition>>>;
  readonly others: Transition | undefined;
}

const IDLE: Row = {
  events: {
    [Event.manualStart]: TRY,
    [Event.automaticStart]: TRY,
    [Event.manualStartPassive]: go(active),
    [Event.automaticStartPassive]: go(active),
    // A connection of its own for the one that the neighbour has made.
    [Event.tcpConfirmed]: OPEN,
  },
  others: undefined,
};

/** Without a start: it has begun already (RFC 4271 §8.2.2 ignores those everywhere but in Idle). */
const STARTED: Readonly<Partial<Record<Event, undefined>>> = {
  [Event.manualStart]: undefined,
  [Event.automaticStart]: undefined,
  [Event.manualStartPassive]: undefined,
  [Event.automaticStartPassive]: undefined,
};

const CONNECT: Row = {
  events: {
    [Event.manualStop]: END,
    [Event.connectRetryExpires]: go(connect, A.drop, A.startConnectRetry, A.connect),
    [Event.tcpAcknowledged]: OPEN,
    [Event.tcpConfirmed]: OPEN,
    // As with DelayOpen: whoever cannot be reached is tried again, and listened for.
    [Event.tcpFails]: go(active, A.drop, A.startConnectRetry),
  },
  others: END,
};

const ACTIVE: Row = {
  events: {
    [Event.manualStop]: END,
    [Event.connectRetryExpires]: TRY,
    [Event.tcpAcknowledged]: OPEN,
    [Event.tcpConfirmed]: OPEN,
    [Event.tcpFails]: END,
  },
  others: END,
};

const OPEN_SENT: Row = {
  events: {
    [Event.manualStop]: TELL,
    [Event.automaticStop]: TELL,
    [Event.holdExpires]: TELL,
    [Event.tcpFails]: go(active, A.drop, A.startConnectRetry),
    [Event.open]: go(openConfirm, A.sendKeepalive, A.startNegotiated),
    [Event.headerError]: TELL,
    [Event.openError]: TELL,
    [Event.collisionDump]: TELL,
    [Event.versionNotification]: END,
    // Nothing answers a NOTIFICATION (RFC 4271 §6.4), whatever §8.2.2 has for this state.
    [Event.notification]: END,
    [Event.sendHoldExpires]: TELL,
  },
  others: TELL,
};

const OPEN_CONFIRM: Row = {
  events: {
    [Event.manualStop]: TELL,
    [Event.automaticStop]: TELL,
    [Event.holdExpires]: TELL,
    [Event.keepaliveExpires]: go(openConfirm, A.sendKeepalive, A.restartKeepalive),
    [Event.tcpFails]: END,
    [Event.headerError]: TELL,
    [Event.openError]: TELL,
    [Event.collisionDump]: TELL,
    [Event.versionNotification]: END,
    [Event.notification]: END,
    [Event.keepalive]: go(established, A.restartHold, A.up),
    [Event.sendHoldExpires]: TELL,
  },
  others: TELL,
};

const ESTABLISHED: Row = {
  events: {
    [Event.manualStop]: TELL,
    [Event.automaticStop]: TELL,
    [Event.holdExpires]: TELL,
    [Event.keepaliveExpires]: go(established, A.sendKeepalive, A.restartKeepalive),
    [Event.tcpFails]: END,
    [Event.headerError]: TELL,
    [Event.collisionDump]: TELL,
    [Event.versionNotification]: END,
    [Event.notification]: END,
    [Event.keepalive]: go(established, A.restartHold),
    [Event.update]: go(established, A.restartHold, A.process),
    [Event.updateError]: TELL,
    [Event.sendHoldExpires]: TELL,
    [Event.routeRefresh]: go(established, A.restartHold, A.process),
  },
  others: TELL,
};

const ROWS: readonly Row[] = [IDLE, CONNECT, ACTIVE, OPEN_SENT, OPEN_CONFIRM, ESTABLISHED];
const EVENTS = Object.values(Event);

/** By state and event. */
const TABLE: readonly (readonly (Transition | undefined)[])[] = ROWS.map(({ events, others }, state) => {
  const row: (Transition | undefined)[] = Array.from({ length: Math.max(...EVENTS) + 1 });
  for (const event of EVENTS) {
    const isIgnored = state !== idle && event in STARTED;
    row[event] = event in events ? events[event] : isIgnored ? undefined : others;
  }
  return row;
});

/** @returns undefined when nothing happens */
export const transitionOf = (state: State, event: Event): Transition | undefined => TABLE[state]?.[event];

/** Which message came where it may not (RFC 6608 §3). */
export const fsmSubcode = (state: State): number => {
  if (state === openSent) return FsmSubcode.openSent;
  if (state === openConfirm) return FsmSubcode.openConfirm;
  return state === established ? FsmSubcode.established : FsmSubcode.unspecific;
};
