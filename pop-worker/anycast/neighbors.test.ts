import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { NO_ROUTING, type RoutedNeighbor } from '#model/routing.ts';
import { createLogger } from '#telemetry/logger.ts';
import { Neighbors } from './neighbors.ts';

const TRANSIT: RoutedNeighbor = {
  ...{ id: 'transit', address: '198.51.100.1', remoteAsn: 64_500, localAsn: 64_512, role: 'provider', holdSeconds: 90 },
  ...{ hops: 0, bfd: undefined, passwordName: undefined, prepend: 0, med: 0, communities: [], maxPrefixes: 100 },
  ...{ importPolicy: undefined, exportPolicy: undefined, linkLocalNextHop: false },
};

/** A BGP thread that notes what it is told to have. */
const made = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const added: string[] = [];
  const removed: number[] = [];
  const lines: string[] = [];
  const neighbors = new Neighbors({
    thread: {
      add: ({ address, device }) => added.push(device === undefined ? address : `${address} at ${device}`),
      post: (command) => {
        if (command.type === 'remove') removed.push(command.id);
      },
    },
    ...{ identifier: 1, passwords: new Map(), outside: [] },
    log: createLogger({ level: 'error', write: (line) => lines.push(line), now: () => new Date(0) }),
  });
  t.after(() => neighbors.close());
  const want = (...wanted: RoutedNeighbor[]): void => neighbors.set({ ...NO_ROUTING, neighbors: wanted });
  return { neighbors, added, removed, lines, want };
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

test('a link-local address is that of an interface, which may not be there yet', (t) => {
  const { neighbors, added, want } = made(t);
  want({ ...TRANSIT, address: 'fe80::1%lo' }, { ...TRANSIT, id: 'other', address: 'fe80::1%nowhere' });
  assert.deepEqual(added, ['fe80::1%1 at lo']);
  assert.deepEqual(neighbors.refused, [
    { name: 'other', address: 'fe80::1%nowhere', reason: 'this machine has no interface "nowhere"' },
  ]);
});
