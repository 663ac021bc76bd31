import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from './connection.ts';
import { testCryptoPort } from './testing/crypto-port.ts';
import { Pair } from './testing/pair.ts';
import { pattern } from './testing/sinks.ts';
import { retryPseudoPacket, writeRetry } from './wire/packet/retry.ts';

/** A Retry for this client that is right in every way but those named. */
const retryFor = (client: Connection, change: { scid?: Uint8Array; forged?: boolean; unused?: number } = {}) => {
  const { scid: clientCid, cids } = client.parts.handshake;
  const { scid = pattern(8, 5), forged = false, unused = 0 } = change;
  const packet = new Uint8Array(200);
  const tagAt = writeRetry(packet, 0, 1, unused, clientCid, scid, pattern(40));
  const tag = testCryptoPort().retryTag(1, retryPseudoPacket(cids.original, packet, 0, tagAt));
  packet.set(tag, tagAt);
  if (forged) packet[tagAt] = (packet[tagAt] as number) ^ 1;
  return packet.slice(0, tagAt + 16);
};

const opened = (): [Pair, Connection] => {
  const pair = new Pair();
  const connection = pair.connect();
  pair.run(() => pair.toServer.sent > 0);
  return [pair, connection];
};

const give = (pair: Pair, packet: Uint8Array): void => {
  const { counters } = pair.opened.parts;
  const before = counters.datagramsReceived;
  pair.sendToClient(packet);
  assert.ok(pair.run(() => counters.datagramsReceived > before, 100_000));
};

test('RFC 9000 §17.2.5.2: a Retry is taken, whatever its unused bits', () => {
  for (const unused of [0, 5, 15]) {
    const [pair, connection] = opened();
    give(pair, retryFor(connection, { unused }));
    assert.deepEqual(connection.parts.handshake.cids.retry, pattern(8, 5));
    assert.deepEqual(connection.parts.handshake.token, pattern(40));
  }
});

test('RFC 9000 §17.2.5.2: only one', () => {
  const [pair, connection] = opened();
  give(pair, retryFor(connection));
  give(pair, retryFor(connection, { scid: pattern(8, 6) }));
  assert.deepEqual(connection.parts.handshake.cids.retry, pattern(8, 5));
  assert.equal(connection.parts.counters.droppedMalformed, 1);
});

test('RFC 9000 §17.2.5.2: none after a packet of the server', () => {
  const [pair, connection] = opened();
  assert.ok(pair.run(() => connection.parts.handshake.peerScid !== undefined));
  give(pair, retryFor(connection));
  assert.equal(connection.parts.handshake.cids.retry, undefined);
  assert.ok(pair.run(() => pair.clientSink.confirmed));
});

test('RFC 9000 §17.2.5.2: none that is not authentic', () => {
  const [pair, connection] = opened();
  give(pair, retryFor(connection, { forged: true }));
  assert.equal(connection.parts.handshake.cids.retry, undefined);
  assert.equal(connection.parts.counters.droppedForged, 1);
});

test("RFC 9000 §17.2.5.1: none that names the client's own choice", () => {
  const [pair, connection] = opened();
  give(pair, retryFor(connection, { scid: connection.parts.handshake.cids.original }));
  assert.equal(connection.parts.handshake.cids.retry, undefined);
  assert.equal(connection.parts.counters.droppedMalformed, 1);
});

test('RFC 9000 §17.2.5.1: a server names another one than the client did', () => {
  const pair = new Pair({ endpoint: { retryAtHandshakes: 0 } });
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  const { retry, original } = connection.parts.handshake.cids;
  assert.ok(retry);
  assert.notDeepEqual(retry, original);
});
