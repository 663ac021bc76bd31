import { KEEPALIVE_TIMEOUT_US, REKEY_TIMEOUT_US, ZERO_KEYS_US } from '../limits.ts';

/** What a peer waits for. */
export const Timer = {
  /** A response to our initiation. */
  retransmitHandshake: 0,
  /** Something to say in answer to data, or else a keepalive. */
  keepalive: 1,
  /** Anything authentic after we sent data, or else a new handshake. */
  newHandshake: 2,
  /** New keys, or else all are forgotten. */
  zeroKeys: 3,
  /** Any packet either way, or else a keepalive, where the peer is configured for it. */
  persistentKeepalive: 4,
  /** The end of the five seconds in which no handshake could be begun for packets that wait. */
  heldBack: 5,
} as const;
export type Timer = (typeof Timer)[keyof typeof Timer];
export const TIMERS = 6;

/** What happens to a peer, as far as its timers mind (paper §6; names as in the Linux kernel's `timers.c`). */
export type TimedEvent =
  | 'dataSent'
  | 'dataReceived'
  | 'authenticatedSent'
  | 'authenticatedReceived'
  | 'handshakeInitiated'
  | 'handshakeHeldBack'
  | 'handshakeComplete'
  | 'sessionDerived';

export interface Effect {
  readonly timer: Timer;
  /** `start`: unless it runs. */
  readonly does: 'start' | 'restart' | 'stop';
  /** Microseconds; `configured`: the peer's persistent keepalive interval. */
  readonly afterUs?: number | 'configured';
  readonly jitter?: true;
}

const PERSISTENT: Effect = { timer: Timer.persistentKeepalive, does: 'restart', afterUs: 'configured' };

/** Event → timer. What is data has content; keepalives have none, and so never answer each other. */
export const ON_EVENT: Readonly<Record<TimedEvent, readonly Effect[]>> = {
  dataSent: [
    { timer: Timer.newHandshake, does: 'start', afterUs: KEEPALIVE_TIMEOUT_US + REKEY_TIMEOUT_US, jitter: true },
  ],
  // One keepalive answers all that came before it.
  dataReceived: [{ timer: Timer.keepalive, does: 'start', afterUs: KEEPALIVE_TIMEOUT_US }],
  // Data, keepalive or handshake.
  authenticatedSent: [{ timer: Timer.keepalive, does: 'stop' }, PERSISTENT],
  authenticatedReceived: [{ timer: Timer.newHandshake, does: 'stop' }, PERSISTENT],
  handshakeInitiated: [{ timer: Timer.retransmitHandshake, does: 'restart', afterUs: REKEY_TIMEOUT_US, jitter: true }],
  // Nobody need send another packet for those that wait to get their handshake.
  handshakeHeldBack: [{ timer: Timer.heldBack, does: 'start', afterUs: REKEY_TIMEOUT_US }],
  handshakeComplete: [{ timer: Timer.retransmitHandshake, does: 'stop' }],
  sessionDerived: [{ timer: Timer.zeroKeys, does: 'restart', afterUs: ZERO_KEYS_US }],
};

export type TimerAction = 'retransmitHandshake' | 'sendKeepalive' | 'beginHandshake' | 'zeroKeys' | 'serveStaged';

/** Timer → action. */
export const ON_EXPIRY: readonly TimerAction[] = [
  'retransmitHandshake',
  'sendKeepalive',
  'beginHandshake',
  'zeroKeys',
  'sendKeepalive',
  'serveStaged',
];
