import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair } from '../testing/pair.ts';
import { pattern } from '../testing/sinks.ts';

test('RFC 9000 §10.3.1: a socket with hundreds of connections to one server finds whose reset came, the last one too', () => {
  const pair = new Pair();
  const connections = Array.from({ length: 200 }, () => pair.connect());
  assert.ok(pair.run(() => pair.serverSinks.filter((sink) => sink.confirmed).length === connections.length));
  pair.run(() => false, 1_000_000);
  pair.forgetServer();
  const last = connections.at(-1)!;
  last.write(last.openStream(true), pattern(100), true);
  assert.ok(pair.run(() => pair.clientSink.closes.length > 0, 1_000_000));
  assert.deepEqual(
    pair.clientSink.closes.map(({ by }) => by),
    ['reset'],
  );
  assert.ok(pair.server.counters.statelessResetsSent <= 2);
});
