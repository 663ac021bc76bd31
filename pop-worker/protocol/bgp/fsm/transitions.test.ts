import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event } from './event.ts';
import { STATE_NAMES, State } from './state.ts';
import { Action, fsmSubcode, transitionOf } from './transitions.ts';

const LETTERS = ['I', 'C', 'A', 'S', 'K', 'E'] as const;

/**
 * RFC 4271 §8.2.2, RFC 9687 §3: for each event, what it does in each of the states Idle, Connect, Active, OpenSent,
 * OpenConfirm and Established. The letter is the next state: Idle, Connect, Active, openSent, openConfirm (K),
 * Established; `-`: nothing happens; `!`: the neighbour is told by a NOTIFICATION; `x`: TCP goes.
 */
const TABLE: readonly (readonly [keyof typeof Event, string])[] = [
  ['manualStart', 'C  -  -  -   -   -'],
  ['automaticStart', 'C  -  -  -   -   -'],
  ['manualStartPassive', 'A  -  -  -   -   -'],
  ['automaticStartPassive', 'A  -  -  -   -   -'],
  ['manualStop', '-  Ix Ix I!x I!x I!x'],
  ['automaticStop', '-  Ix Ix I!x I!x I!x'],
  ['connectRetryExpires', '-  Cx C  I!x I!x I!x'],
  ['holdExpires', '-  Ix Ix I!x I!x I!x'],
  ['keepaliveExpires', '-  Ix Ix I!x K   E'],
  ['tcpAcknowledged', '-  S  S  I!x I!x I!x'],
  ['tcpConfirmed', 'S  S  S  I!x I!x I!x'],
  ['tcpFails', '-  Ax Ix Ax  Ix  Ix'],
  ['open', '-  Ix Ix K   I!x I!x'],
  ['headerError', '-  Ix Ix I!x I!x I!x'],
  ['openError', '-  Ix Ix I!x I!x I!x'],
  ['collisionDump', '-  Ix Ix I!x I!x I!x'],
  ['versionNotification', '-  Ix Ix Ix  Ix  Ix'],
  ['notification', '-  Ix Ix Ix  Ix  Ix'],
  ['keepalive', '-  Ix Ix I!x E   E'],
  ['update', '-  Ix Ix I!x I!x E'],
  ['updateError', '-  Ix Ix I!x I!x I!x'],
  ['sendHoldExpires', '-  Ix Ix I!x I!x I!x'],
  ['routeRefresh', '-  Ix Ix I!x I!x E'],
];

test('every event has its row', () => {
  assert.deepEqual(TABLE.map(([name]) => name).sort(), Object.keys(Event).sort());
});

for (const [name, row] of TABLE) {
  test(`${name} in every state (RFC 4271 §8.2.2)`, () => {
    const seen = STATE_NAMES.map((_, state) => {
      const transition = transitionOf(state as State, Event[name]);
      if (transition === undefined) return '-';
      const { to, actions } = transition;
      const told = actions.includes(Action.notify) ? '!' : '';
      return `${LETTERS[to]}${told}${actions.includes(Action.drop) ? 'x' : ''}`;
    });
    assert.deepEqual(seen, row.split(/ +/));
  });
}

const { connect, sendOpen, sendKeepalive, startConnectRetry, stopConnectRetry, startLargeHold } = Action;
const { startNegotiated, restartHold, restartKeepalive, up, process, drop } = Action;

/** What else is done on the way. */
const ACTIONS: readonly (readonly [State, keyof typeof Event, readonly Action[]])[] = [
  [State.idle, 'manualStart', [startConnectRetry, connect]],
  [State.idle, 'manualStartPassive', []],
  [State.idle, 'tcpConfirmed', [stopConnectRetry, sendOpen, startLargeHold]],
  [State.connect, 'connectRetryExpires', [drop, startConnectRetry, connect]],
  [State.connect, 'tcpAcknowledged', [stopConnectRetry, sendOpen, startLargeHold]],
  [State.connect, 'tcpFails', [drop, startConnectRetry]],
  [State.active, 'connectRetryExpires', [startConnectRetry, connect]],
  [State.openSent, 'open', [sendKeepalive, startNegotiated]],
  [State.openSent, 'tcpFails', [drop, startConnectRetry]],
  [State.openConfirm, 'keepalive', [restartHold, up]],
  [State.openConfirm, 'keepaliveExpires', [sendKeepalive, restartKeepalive]],
  [State.established, 'keepaliveExpires', [sendKeepalive, restartKeepalive]],
  [State.established, 'keepalive', [restartHold]],
  [State.established, 'update', [restartHold, process]],
  [State.established, 'routeRefresh', [restartHold, process]],
];

for (const [state, event, actions] of ACTIONS) {
  test(`${STATE_NAMES[state]}: what ${event} has done`, () => {
    assert.deepEqual(transitionOf(state, Event[event])?.actions, actions);
  });
}

test('a message that came where it may not has the subcode of the state (RFC 6608 §3)', () => {
  assert.deepEqual(
    Object.values(State).map((state) => fsmSubcode(state)),
    [0, 0, 0, 1, 2, 3],
  );
});
