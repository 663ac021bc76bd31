import { Diagnostic, State } from './state.ts';

/** What moves a session: the state that the peer reports, or the Detection Time that passed. */
export const Event = { ...State, timer: 4 } as const;
export type Event = (typeof Event)[keyof typeof Event];

export interface Step {
  readonly next: State;
  /** Set together with the state; undefined leaves the diagnostic as it is. */
  readonly diagnostic: Diagnostic | undefined;
}

const to = (next: State, diagnostic?: Diagnostic): Step => ({ next, diagnostic });

const DOWN = to(State.down);
const INIT = to(State.init);
const UP = to(State.up);
const ADMIN_DOWN = to(State.adminDown);
const SIGNALLED = to(State.down, Diagnostic.neighbourSignalledDown);
const EXPIRED = to(State.down, Diagnostic.detectionTimeExpired);

/**
 * The state machine (RFC 5880 §6.2, §6.8.4, §6.8.6), by the local state and then by the event. It is left and entered
 * from outside as well: `Session.disable`, `enable` and `hold` (§6.8.15, §6.8.16, §6.8.18).
 */
const TRANSITIONS: Readonly<Record<State, Readonly<Record<Event, Step>>>> = {
  [State.adminDown]: {
    [Event.adminDown]: ADMIN_DOWN,
    [Event.down]: ADMIN_DOWN,
    [Event.init]: ADMIN_DOWN,
    [Event.up]: ADMIN_DOWN,
    [Event.timer]: ADMIN_DOWN,
  },
  [State.down]: {
    [Event.adminDown]: DOWN,
    [Event.down]: INIT,
    [Event.init]: UP,
    [Event.up]: DOWN,
    [Event.timer]: DOWN,
  },
  [State.init]: {
    [Event.adminDown]: SIGNALLED,
    [Event.down]: INIT,
    [Event.init]: UP,
    [Event.up]: UP,
    [Event.timer]: EXPIRED,
  },
  [State.up]: {
    [Event.adminDown]: SIGNALLED,
    [Event.down]: SIGNALLED,
    [Event.init]: UP,
    [Event.up]: UP,
    [Event.timer]: EXPIRED,
  },
};

export const stepOf = (local: State, event: Event): Step => TRANSITIONS[local][event];
