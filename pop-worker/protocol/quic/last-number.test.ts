import assert from 'node:assert/strict';
import test from 'node:test';
import { LAST_NUMBER } from './packer.ts';
import { Pair } from './testing/pair.ts';
import { pattern } from './testing/sinks.ts';

test('RFC 9000 §12.3: whose packet numbers are used up sends nothing more, not even CONNECTION_CLOSE', () => {
  const pair = new Pair();
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  pair.run(() => false, 100_000);
  Object.defineProperty(connection.parts.recovery.sent(2), 'nextPacketNumber', { get: () => LAST_NUMBER });
  let sent = 0;
  pair.onClientSends = () => sent++;
  connection.write(connection.openStream(true), pattern(5000), true);
  assert.ok(pair.run(() => pair.clientSink.closes.length > 0));
  pair.run(() => false, 1_000_000);
  assert.deepEqual([sent, pair.clientSink.closes.length, pair.client.connections], [0, 1, 0]);
});
