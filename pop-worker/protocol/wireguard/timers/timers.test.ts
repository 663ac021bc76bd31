import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER } from '../../contract.ts';
import { Deadlines, NO_SLOT, type Scheduled } from './deadlines.ts';
import { type TimedEvent, Timer, type TimerAction } from './table.ts';
import { Timers } from './timers.ts';

/** Draws 0: no jitter. */
const none = { fill: (bytes: Uint8Array) => bytes.fill(0) };
const most = { fill: (bytes: Uint8Array) => bytes.fill(255) };

const S = 1e6;
/** Events by second, then what becomes of the timers: action by second. */
const run = (
  events: readonly (readonly [number, TimedEvent])[],
  persistentS = 0,
  random = none,
): [number, TimerAction][] => {
  const timers = new Timers(random);
  timers.setPersistentKeepalive(persistentS * S);
  const happened: [number, TimerAction][] = [];
  const expire = (now: number): void => {
    for (let action = timers.expire(now); action !== undefined; action = timers.expire(now)) {
      happened.push([now / S, action]);
      // As its sender does.
      if (action === 'sendKeepalive') timers.on('authenticatedSent', now);
    }
  };
  for (const [second, event] of events) {
    while (timers.deadline < second * S) expire(timers.deadline);
    timers.on(event, second * S);
  }
  while (timers.deadline < 1000 * S && happened.length < 6) expire(timers.deadline);
  return happened;
};

const CASES: readonly [string, Parameters<typeof run>, ReturnType<typeof run>][] = [
  ['nothing happened', [[]], []],
  [
    'data sent, and nothing heard',
    [
      [
        [1, 'dataSent'],
        [3, 'dataSent'],
      ],
    ],
    [[16, 'beginHandshake']],
  ],
  ['the same, jitter', [[[1, 'dataSent']], 0, most], [[16.333, 'beginHandshake']]],
  [
    'data sent, and something heard',
    [
      [
        [1, 'dataSent'],
        [2, 'authenticatedReceived'],
      ],
    ],
    [],
  ],
  ['data received once', [[[1, 'dataReceived']]], [[11, 'sendKeepalive']]],
  [
    'data received twice',
    [
      [
        [1, 'dataReceived'],
        [2, 'dataReceived'],
      ],
    ],
    [[11, 'sendKeepalive']],
  ],
  [
    'data received and answered',
    [
      [
        [1, 'dataReceived'],
        [2, 'dataReceived'],
        [3, 'authenticatedSent'],
      ],
    ],
    [],
  ],
  [
    'data received twice, answered, and received once more',
    [
      [
        [1, 'dataReceived'],
        [2, 'dataReceived'],
        [3, 'authenticatedSent'],
        [4, 'dataReceived'],
      ],
    ],
    [[14, 'sendKeepalive']],
  ],
  ['an initiation', [[[1, 'handshakeInitiated']]], [[6, 'retransmitHandshake']]],
  ['the same, jitter', [[[1, 'handshakeInitiated']], 0, most], [[6.333, 'retransmitHandshake']]],
  [
    'an initiation and its response',
    [
      [
        [1, 'handshakeInitiated'],
        [2, 'handshakeComplete'],
      ],
    ],
    [],
  ],
  ['a session', [[[1, 'sessionDerived']]], [[541, 'zeroKeys']]],
  [
    'a second session',
    [
      [
        [1, 'sessionDerived'],
        [121, 'sessionDerived'],
      ],
    ],
    [[661, 'zeroKeys']],
  ],
  [
    'persistent keepalives',
    [
      [
        [1, 'authenticatedSent'],
        [9, 'authenticatedReceived'],
      ],
      25,
    ],
    [34, 59, 84, 109, 134, 159].map((second) => [second, 'sendKeepalive']),
  ],
];

for (const [name, input, expected] of CASES) {
  test(`${name}: ${expected.length === 0 ? 'nothing' : expected[0]!.join(' ')}`, () => {
    assert.deepEqual(run(...input), expected);
  });
}

test('a handshake that is given up ends what waits for it, and leaves its remains 540 s', () => {
  const timers = new Timers(none);
  timers.on('dataReceived', 0);
  timers.giveUp(540 * S);
  assert.equal(timers.deadline, 540 * S);
  timers.giveUp(700 * S);
  assert.equal(timers.deadline, 540 * S);
  timers.stop();
  assert.equal(timers.deadline, NEVER);
});

test('a persistent keepalive that is taken back does not come', () => {
  const timers = new Timers(none);
  timers.setPersistentKeepalive(S);
  timers.on('authenticatedSent', 0);
  assert.ok(timers.isRunning(Timer.persistentKeepalive));
  timers.setPersistentKeepalive(0);
  assert.equal(timers.deadline, NEVER);
});

test('deadlines come up in order, the earliest of each peer, and idle peers are not held', () => {
  const change = fc.tuple(fc.nat(40), fc.oneof({ weight: 4, arbitrary: fc.nat(1000) }, fc.constant(undefined)));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const deadlines = new Deadlines<Scheduled>();
      const peers = Array.from({ length: 41 }, () => ({ deadlineSlot: NO_SLOT }));
      const earliest = new Map<Scheduled, number>();
      for (const [number, at] of changes) {
        const peer = peers[number]!;
        if (at === undefined) {
          deadlines.delete(peer);
          earliest.delete(peer);
          continue;
        }
        deadlines.set(peer, at);
        deadlines.set(peer, NEVER);
        earliest.set(peer, Math.min(at, earliest.get(peer) ?? NEVER));
      }
      assert.equal(deadlines.size, earliest.size);
      assert.equal(deadlines.first, Math.min(...earliest.values()));
      for (let last = 0; deadlines.size > 0; ) {
        const { first } = deadlines;
        assert.ok(first >= last);
        last = first;
        assert.equal(deadlines.take(first - 1), undefined);
        const peer = deadlines.take(first)!;
        assert.equal(earliest.get(peer), first);
        earliest.delete(peer);
      }
      assert.equal(earliest.size, 0);
    }),
  );
});
