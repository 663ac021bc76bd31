import assert from 'node:assert/strict';
import test from 'node:test';
import { Pair } from '../testing/pair.ts';

const cidsOf = (pair: Pair): string[] => {
  const cids: string[] = [];
  pair.accepted.parts.localCids.forEach((cid) => void cids.push(cid.join()));
  return cids;
};

test('a server gives its client new connection IDs for old ones, and nothing is lost meanwhile', () => {
  const pair = new Pair();
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  pair.run(() => false, 1_000_000);
  const before = cidsOf(pair);
  const stream = connection.openStream(true);
  connection.write(stream, new Uint8Array(50_000), false);
  assert.equal(pair.accepted.replaceCids(), true);
  assert.equal(pair.accepted.replaceCids(), false, 'the client has not given up the old ones');
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 50_000));
  pair.run(() => false, 1_000_000);
  const after = cidsOf(pair);
  assert.equal(after.length, before.length);
  for (const cid of after) assert.ok(!before.includes(cid));
  connection.write(stream, new Uint8Array(1000), false);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 51_000));
  assert.equal(pair.accepted.replaceCids(), true, 'and once more');
});

test('before the handshake is confirmed there is nothing to replace', () => {
  const pair = new Pair();
  pair.connect();
  assert.ok(pair.run(() => pair.serverSinks.length === 1));
  assert.equal(pair.accepted.replaceCids(), false);
});
