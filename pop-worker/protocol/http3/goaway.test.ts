import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http3Connection } from './connection.ts';
import { MemoryPair } from './testing/pair.ts';
import { bytes, frame, GET, headers, lines, RawPeer } from './testing/raw.ts';
import { Recorder } from './testing/recorder.ts';

const connect = () => {
  const pair = new MemoryPair(1);
  const client = new Recorder();
  const server = new Recorder();
  const c = new Http3Connection(pair.client, client);
  const s = new Http3Connection(pair.server, server);
  pair.connect(c.events, s.events);
  pair.run();
  return { pair, client, server, c, s };
};

test('graceful shutdown in two steps loses no request (RFC 9114 §5.2)', () => {
  const { pair, client, server, c, s } = connect();
  const open = c.openRequest(lines(...GET), true);
  pair.run();
  s.shutdown(false);
  const onItsWay = c.openRequest(lines(...GET), true);
  pair.run();
  assert.equal(client.goawayAt, 2 ** 62);
  assert.equal(c.openRequest(lines(...GET), true), -1, 'no new requests after GOAWAY');
  assert.notEqual(server.log(onItsWay).request, undefined, 'what was on its way is served');
  s.shutdown();
  pair.run();
  assert.equal(client.goawayAt, onItsWay + 4);
  assert.equal(server.drainedTimes, 0);
  for (const stream of [open, onItsWay]) s.respond(stream, lines(':status: 200'), true);
  pair.run();
  assert.equal(client.log(onItsWay).ended, true);
  assert.equal(server.drainedTimes, 1);
  s.close();
  pair.run();
  assert.equal(client.closedWith?.code, 0x100);
});

test('requests that come after the final GOAWAY are rejected and may be tried elsewhere', () => {
  const { pair, client, server, c, s } = connect();
  s.shutdown();
  const late = c.openRequest(lines(...GET), true);
  pair.run();
  assert.equal(server.streams.has(late), false);
  assert.equal(client.goawayAt, 0);
  assert.equal(client.log(late).aborted?.code, 0x10b);
  assert.equal(c.openRequests + s.openRequests, 0);
});

test('a client hears which of its requests were not processed', () => {
  const peer = new RawPeer({ server: false });
  const streams = [0, 1, 2].map(() => peer.http3.openRequest(lines(...GET), true));
  peer.pair.run();
  peer.open(false, bytes(0, frame(4), frame(7, [4])));
  const aborted = streams.map((stream) => peer.recorder.log(stream).aborted?.code);
  assert.deepEqual(aborted, [undefined, 0x10b, 0x10b]);
  assert.equal(peer.recorder.goawayAt, 4);
});

test('a client goes away: the server finishes, the client opens nothing more', () => {
  const { pair, client, server, c, s } = connect();
  const stream = c.openRequest(lines(...GET), true);
  c.shutdown();
  pair.run();
  assert.equal(c.openRequest(lines(...GET), true), -1);
  assert.equal(client.drainedTimes, 0);
  s.respond(stream, lines(':status: 200'), true);
  pair.run();
  assert.equal(client.drainedTimes, 1);
  assert.equal(server.goawayAt, undefined);
});

test('a reset before the request is complete is answered as rejected (RFC 9114 §4.1.1)', () => {
  const peer = new RawPeer();
  let code: number | undefined;
  peer.quic.sink = { ...peer.quic.sink, streamReset: (_c, _s, reset) => (code = reset) };
  const stream = peer.open(true, headers(...GET).subarray(0, 5));
  peer.quic.reset(stream, 0x10c);
  peer.pair.run();
  assert.equal(code, 0x10b);
  assert.equal(peer.recorder.streams.size, 0);
  assert.equal(peer.http3.openRequests, 0);
});
