import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Connection } from '#protocol/quic/connection.ts';
import { CidRotation } from './cid-rotation.ts';
import type { CidKey } from './exchange/cids.ts';

const KEYS: readonly CidKey[] = [{ id: 1, key: new Uint8Array(16) }];

/** A connection that says so when it is asked: no others of it are used. */
const connection = (answers: boolean[]): Connection =>
  ({ replaceCids: () => answers.shift() ?? assert.fail('asked once too often') }) as unknown as Connection;

const rotationOf = (t: TestContext, connections: readonly Connection[], isOther = true) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const there = new Set(connections);
  const rotation = new CidRotation({
    cids: { rotate: () => isOther },
    endpoint: { forEach: (each) => there.forEach(each) },
    run: () => runs++,
  });
  return { rotation, there, runs: () => runs };
};

test('connections that cannot change at present are asked again, until they have or are over', (t) => {
  const answers = [[true], [false, false, true], [false]] as const;
  const [done, late, gone] = answers.map((list) => connection([...list])) as [Connection, Connection, Connection];
  const { rotation, there, runs } = rotationOf(t, [done, late, gone]);
  rotation.rotate(KEYS);
  there.delete(gone);
  // One that begins meanwhile has connection IDs of the new key already.
  there.add(connection([]));
  for (let i = 0; i < 5; i++) t.mock.timers.tick(1000);
  assert.equal(runs(), 3);
});

test('a key that is only learnt, or forgotten, changes no connection', (t) => {
  const { rotation, runs } = rotationOf(t, [connection([])], false);
  rotation.rotate(KEYS);
  t.mock.timers.tick(1000);
  assert.equal(runs(), 0);
});
