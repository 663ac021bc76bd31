import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inUse } from '../testing/heap.ts';
import { Pair } from '../testing/pair.ts';
import { pattern } from '../testing/sinks.ts';

const CONNECTIONS = 20;
const MAX_DATA = 1 << 16;
const MAX_GROWTH = 1 << 19;
/** What a connection needs to be one, with its test TLS and what its sink notes of pieces. */
const EACH = 128 * 1024;

/** What the server of a pair does: how much, and in what memory. Nothing else may know the server when this returns. */
const look = (pair: Pair) => ({
  connections: pair.server.connections,
  refused: [pair.server.counters.refusedConnections, pair.server.counters.refusedWindows],
  growth: pair.server.windows.used,
});

test('an endpoint holds no more than its connections, their windows, and what these may grow by together', () => {
  const pair = new Pair({
    server: { initialMaxData: MAX_DATA, initialMaxStreamDataBidiRemote: MAX_DATA },
    endpoint: { maxConnections: CONNECTIONS, maxWindowGrowth: MAX_GROWTH },
  });
  // Each is read for a while, so that its window would grow, and then no more.
  pair.onAccept = (sink) => {
    sink.onStreamData = () => {
      sink.consumes = sink.bytesReceived < 6 * MAX_DATA;
      if (sink.consumes) sink.received.clear();
    };
  };
  const data = pattern(2_000_000);
  for (let n = 0; n < CONNECTIONS + 5; n++) {
    const connection = pair.connect();
    pair.run(() => connection.parts.handshake.isConfirmed, 100_000);
    connection.write(connection.openStream(true), data, true);
  }
  pair.run(() => false, 3_000_000);
  const { connections, refused, growth } = look(pair);
  assert.equal(connections, CONNECTIONS);
  assert.ok(growth > MAX_GROWTH / 2 && growth <= MAX_GROWTH, `${growth} bytes`);
  assert.ok(
    refused.every((count) => count > 0),
    `${refused} connections and windows refused`,
  );
  const withServer = inUse();
  pair.serverSinks.length = 0;
  pair.forgetServer();
  const held = withServer - inUse();
  assert.ok(held > (CONNECTIONS * MAX_DATA) / 2, `${held} bytes: it was to hold something`);
  assert.ok(held <= CONNECTIONS * (MAX_DATA + EACH) + MAX_GROWTH, `${held} bytes`);
});
