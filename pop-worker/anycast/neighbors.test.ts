import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { NO_ROUTING, type RoutedNeighbor } from '#model/routing.ts';
import { isOwnAddress } from '#pop-worker/routing/bgp/link-address.ts';
import type { BgpCommand } from '#pop-worker/routing/bgp/messages.ts';
import { createLogger, type Level } from '#telemetry/logger.ts';
import { Neighbors } from './neighbors.ts';

const TRANSIT: RoutedNeighbor = {
  ...{ id: 'transit', address: '198.51.100.1', remoteAsn: 64_500, localAsn: 64_512, role: 'provider', holdSeconds: 90 },
  ...{ hops: 0, bfd: undefined, passwordName: undefined, prepend: 0, med: 0, communities: [], maxPrefixes: 100 },
  ...{ importPolicy: undefined, exportPolicy: undefined, linkLocalNextHop: false },
};

/** A BGP thread that notes what it is told to have. */
const made = (t: TestContext, level: Level = 'error') => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const added: string[] = [];
  const removed: number[] = [];
  const posted: BgpCommand[] = [];
  const lines: string[] = [];
  const neighbors = new Neighbors({
    thread: {
      add: ({ address, device }) => added.push(device === undefined ? address : `${address} at ${device}`),
      post: (command) => {
        posted.push(command);
        if (command.type === 'remove') removed.push(command.id);
      },
    },
    ...{ identifier: 1, passwords: new Map(), outside: [], isOwn: isOwnAddress },
    log: createLogger({ level, write: (line) => lines.push(line), now: () => new Date(0) }),
  });
  t.after(() => neighbors.close());
  const want = (...wanted: RoutedNeighbor[]): void => neighbors.set({ ...NO_ROUTING, neighbors: wanted });
  return { neighbors, added, removed, posted, lines, want };
};

test('a neighbour that cannot be had is shown, told once, and tried again until it can', (t) => {
  const { neighbors, added, lines, want } = made(t);
  want(TRANSIT);
  const reason = 'SO_BINDTODEVICE: no such device';
  for (const id of [1, 2]) {
    neighbors.take({ type: 'refused', id, message: reason });
    assert.deepEqual(neighbors.refused, [{ name: 'transit', address: '198.51.100.1', reason }]);
    assert.equal(added.length, id);
    t.mock.timers.tick(10_000);
  }
  assert.equal(added.length, 3);
  assert.equal(lines.length, 1);
  neighbors.take({ type: 'changed', id: 2, from: 'idle', to: 'connect' });
  assert.equal(neighbors.refused.length, 1, 'that is of the one before');
  neighbors.take({ type: 'changed', id: 3, from: 'idle', to: 'established' });
  assert.deepEqual([neighbors.refused, neighbors.established], [[], 1]);
  t.mock.timers.tick(60_000);
  assert.equal(added.length, 3);
});

test('one without its password is not tried; with another one it is another session', (t) => {
  const { neighbors, added, removed, want } = made(t);
  want({ ...TRANSIT, passwordName: 'secret' });
  assert.match(neighbors.refused[0]?.reason ?? '', /passwords has no "secret"/);
  t.mock.timers.tick(60_000);
  assert.deepEqual([added, neighbors.size], [[], 1]);
  want(TRANSIT);
  assert.deepEqual([added, removed, neighbors.refused], [['198.51.100.1'], [], []]);
  want();
  assert.deepEqual([removed, neighbors.size], [[1], 0]);
});

test('a neighbour whose address is our own is refused before anybody connects', (t) => {
  const { neighbors, added, want } = made(t);
  const own = '127.0.0.1';
  want({ ...TRANSIT, address: own }, { ...TRANSIT, id: 'other', address: '198.51.100.1' });
  assert.deepEqual(added, ['198.51.100.1']);
  const reason = `${own} is an address of this machine: the worker would connect to itself`;
  assert.deepEqual(neighbors.refused, [{ name: 'transit', address: own, reason }]);
});

test('a link-local address is that of an interface, which may not be there yet', (t) => {
  const { neighbors, added, want } = made(t);
  want({ ...TRANSIT, address: 'fe80::1%lo' }, { ...TRANSIT, id: 'other', address: 'fe80::1%nowhere' });
  assert.deepEqual(added, ['fe80::1%1 at lo']);
  assert.deepEqual(neighbors.refused, [
    { name: 'other', address: 'fe80::1%nowhere', reason: 'this machine has no interface "nowhere"' },
  ]);
});

test('BFD begins, changes and ends while the session stays, and each is told', (t) => {
  const { added, removed, posted, lines, want } = made(t, 'info');
  want(TRANSIT);
  for (const bfd of [{ intervalMs: 300, multiplier: 3 }, { intervalMs: 50, multiplier: 3 }, undefined]) {
    want({ ...TRANSIT, bfd });
    want({ ...TRANSIT, bfd, med: 7 });
    assert.deepEqual(posted.filter(({ type }) => type === 'bfd').at(-1), { type: 'bfd', id: 1, bfd });
    assert.match(lines.at(-1) ?? '', /BFD with a BGP neighbour is another, its session stays.*"transit"/);
  }
  assert.deepEqual([added.length, removed, lines.length], [1, [], 3]);
});

test('what is agreed on in the OPEN takes a new session: the log says that it ends, and why', (t) => {
  const { neighbors, added, posted, lines, want } = made(t, 'info');
  want(TRANSIT);
  neighbors.take({ type: 'changed', id: 1, from: 'open_confirm', to: 'established' });
  want({ ...TRANSIT, holdSeconds: 30, role: 'peer', med: 7 });
  assert.deepEqual(
    posted.filter(({ type }) => type === 'remove'),
    [{ type: 'remove', id: 1, isChanged: true }],
  );
  assert.match(lines.at(-1) ?? '', /warn.*a BGP session ends.*"transit".*"changed":\["role","holdSeconds"\]/);
  assert.equal(added.length, 2);
  want();
  assert.deepEqual(
    posted.findLast(({ type }) => type === 'remove'),
    { type: 'remove', id: 2, isChanged: false },
  );
  assert.match(lines.at(-1) ?? '', /a BGP neighbour is removed/);
});
