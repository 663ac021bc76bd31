import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Http3Connection } from './connection.ts';
import type { MemoryLimits } from './testing/memory-quic.ts';
import { MemoryPair } from './testing/pair.ts';
import { bytes, GET, lines } from './testing/raw.ts';
import { Recorder } from './testing/recorder.ts';

const connect = (seed: number, piece = 1000, limits: Partial<MemoryLimits> = {}) => {
  const pair = new MemoryPair(seed, limits, piece);
  const client = new Recorder();
  const server = new Recorder();
  const c = new Http3Connection(pair.client, client);
  const s = new Http3Connection(pair.server, server);
  return { pair, client, server, c, s };
};

const POST = [':method: POST', ':scheme: https', ':authority: a.example', ':path: /upload?x=1', 'content-length: 11'];

/** A full exchange; @returns all that both ends were told */
const exchange = (seed: number, piece: number, limits: Partial<MemoryLimits> = {}) => {
  const { pair, client, server, c, s } = connect(seed, piece, limits);
  server.onRequest = (http3, stream) => {
    http3.respond(stream, lines(':status: 103', 'link: </style.css>'), false);
  };
  server.onEnd = (http3, stream) => {
    http3.respond(stream, lines(':status: 200', 'content-type: text/plain'), false);
    http3.sendBody(stream, bytes('answer '), false);
    http3.sendBody(stream, bytes('x'.repeat(3000)), false);
    http3.sendTrailers(stream, lines('x-sum: 1'));
  };
  pair.connect(c.events, s.events);
  const first = c.openRequest(lines(...POST), false);
  c.sendBody(first, bytes('hello '), false);
  c.sendBody(first, bytes('world'), true);
  const second = c.openRequest(lines(...GET), true);
  pair.run();
  return { first, second, client, server, c, s };
};

test('request, interim response, response, trailers', () => {
  const { first, second, client, server, c, s } = exchange(1, 1000);
  const request = server.log(first);
  assert.deepEqual(request.request, {
    method: 'POST',
    scheme: 'https',
    authority: 'a.example',
    path: '/upload?x=1',
    protocol: undefined,
    fields: lines('content-length: 11'),
  });
  assert.equal(request.body, 'hello world');
  assert.equal(request.ended && request.closed, true);
  for (const stream of [first, second]) {
    const response = client.log(stream);
    assert.deepEqual(
      response.responses.map((head) => head.status),
      [103, 200],
    );
    assert.equal(response.body, `answer ${'x'.repeat(3000)}`);
    assert.deepEqual(response.trailers, lines('x-sum: 1'));
    assert.equal(response.ended && response.closed, true);
    assert.equal(response.aborted, undefined);
  }
  assert.equal(c.openRequests + s.openRequests, 0);
});

test('settings reach both ends', () => {
  const { client, server } = exchange(1, 1000);
  const offered = [client.peer, server.peer].map((peer) => peer?.enableConnectProtocol);
  assert.deepEqual(offered, [true, false], 'only servers announce it');
  for (const { peer } of [client, server]) assert.equal(peer?.h3Datagram, true);
  assert.equal(client.peer?.maxFieldSectionBytes, 16_384);
});

test('however the bytes are cut and the streams interleaved, the events are the same', () => {
  const expected = exchange(0, 4000);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 40, max: 5000 }),
      (seed, piece, window) => {
        const limits = { streamWindow: window, connectionWindow: window + 10 };
        const { client, server } = exchange(seed, piece, limits);
        assert.deepEqual(client.streams, expected.client.streams);
        assert.deepEqual(server.streams, expected.server.streams);
      },
    ),
    { numRuns: 60 },
  );
});

test('a request waits for the stream limit, streamsAvailable tells', () => {
  const { pair, client, server, c, s } = connect(1, 1000, { bidirectionalStreams: 1 });
  server.onEnd = (http3, stream) => http3.respond(stream, lines(':status: 204'), true);
  pair.connect(c.events, s.events);
  assert.equal(c.openRequest(lines(...GET), true), 0);
  assert.equal(c.openRequest(lines(...GET), true), -1);
  pair.run();
  assert.equal(client.available, 1);
  assert.equal(c.openRequest(lines(...GET), true), 4);
});

test('the control stream waits for the stream limit too', () => {
  const { pair, client, c, s } = connect(1, 1000, { unidirectionalStreams: 0 });
  pair.connect(c.events, s.events);
  pair.run();
  const announced = () => client.peer?.h3Datagram;
  assert.equal(announced(), undefined);
  for (const end of [pair.client, pair.server]) {
    end.allowed.unidirectional = 1;
    end.sink.streamsAvailable(end, false);
  }
  pair.run();
  assert.equal(announced(), true);
});

test('an early response: the server wants no more of the request (RFC 9114 §4.1)', () => {
  const { pair, client, server, c, s } = connect(1);
  server.onRequest = (http3, stream) => {
    http3.respond(stream, lines(':status: 413'), true);
    http3.stopReading(stream);
  };
  pair.connect(c.events, s.events);
  const stream = c.openRequest(lines(...POST), false);
  pair.run();
  assert.equal(client.log(stream).stopped, 0x100);
  assert.equal(client.log(stream).ended, true);
  assert.equal(client.log(stream).responses[0]?.status, 413);
  assert.equal(c.sendBody(stream, bytes('more'), true), false);
  assert.equal(s.openRequests, 0);
});

test('cancellation by either side (RFC 9114 §4.1.1)', () => {
  for (const by of ['client', 'server'] as const) {
    const { pair, client, server, c, s } = connect(1);
    pair.connect(c.events, s.events);
    const stream = c.openRequest(lines(...POST), false);
    pair.run();
    assert.equal((by === 'client' ? c : s).cancel(stream), true);
    pair.run();
    const other = (by === 'client' ? server : client).log(stream);
    assert.deepEqual(other.aborted, { by: 'remote', code: 0x10c, reason: 'reset by the peer' });
    assert.equal(other.stopped, 0x10c);
    assert.equal(c.openRequests, 0);
    assert.equal(s.cancel(stream), false);
  }
});

test('a response to HEAD, 204 and 304 has no content whatever content-length says', () => {
  const { pair, client, server, c, s } = connect(1);
  server.onRequest = (http3, stream, head) =>
    http3.respond(stream, lines(`:status: ${head.path?.slice(1) ?? ''}`, 'content-length: 99'), true);
  pair.connect(c.events, s.events);
  const head = c.openRequest(lines(':method: HEAD', ':scheme: https', ':authority: a', ':path: /200'), true);
  const notModified = c.openRequest(lines(':method: GET', ':scheme: https', ':authority: a', ':path: /304'), true);
  const get = c.openRequest(lines(':method: GET', ':scheme: https', ':authority: a', ':path: /200'), true);
  pair.run();
  assert.equal(client.log(head).ended, true);
  assert.equal(client.log(notModified).ended, true);
  assert.equal(client.log(get).aborted?.code, 0x10e);
});

test('misuse of this side is a local error', () => {
  const { pair, c, s } = connect(1);
  pair.connect(c.events, s.events);
  const local = { name: 'Http3Error', fault: 'local' };
  assert.throws(() => c.openRequest(lines(':method: GET'), true), local);
  assert.throws(() => c.openRequest(lines(...GET, 'Upper: x'), true), local);
  assert.throws(() => s.openRequest(lines(...GET), true), local);
  const stream = c.openRequest(lines(...GET), false);
  pair.run();
  assert.throws(() => s.sendBody(stream, bytes('x'), false), local);
  assert.throws(() => s.respond(stream, lines(':status: 100'), true), local);
  assert.throws(() => s.respond(stream, lines(':status: 101'), false), local);
  assert.throws(() => c.sendTrailers(stream, lines(':path: /')), local);
  assert.throws(() => c.openRequest(lines(...GET, `x: ${'y'.repeat(20_000)}`), true), local);
});

test('when the connection ends, every stream hears of it first', () => {
  const { pair, client, server, c, s } = connect(1);
  pair.connect(c.events, s.events);
  const stream = c.openRequest(lines(...POST), false);
  pair.run();
  s.close(0x102, 'broken');
  pair.run();
  assert.deepEqual(client.log(stream).aborted, { by: 'remote', code: 0x102, reason: 'broken' });
  assert.deepEqual(server.log(stream).aborted, { by: 'local', code: 0x102, reason: 'broken' });
  assert.equal(client.closedWith?.by, 'remote');
  assert.equal(c.openRequest(lines(...GET), true), -1);
  assert.equal(c.sendBody(stream, bytes('x'), true), false);
});
