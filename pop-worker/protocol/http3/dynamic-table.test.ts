import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inUse } from '#protocol/quic/testing/heap.ts';
import { Http3Connection } from './connection.ts';
import { DEFAULT_QPACK_LIMITS } from './field-coding.ts';
import { MemoryPair } from './testing/pair.ts';
import { bytes, data, frame, GET, headers, lines, RawPeer, settings } from './testing/raw.ts';
import { Recorder } from './testing/recorder.ts';

/** RFC 9204 §B.2: capacity 220, then `:authority: www.example.com`. */
const CAPACITY = [0x3f, 0xbd, 0x01];
const INSERT = bytes(0xc0, 0x0f, 'www.example.com');
/** A request whose :authority is the first entry; trailers that are the second. */
const REQUEST = frame(1, [2, 0, 0xd1, 0xd7, 0x80, 0xc1]);
const TRAILERS = frame(1, [3, 0, 0x80]);
const INSERT_TRAILER = bytes(0x45, 'x-sum', 1, '1');

/** A peer that writes instructions by hand and keeps what the server says on its decoder stream. */
class Instructing extends RawPeer {
  said: number[] = [];
  readonly #encoder: number;

  constructor(options: ConstructorParameters<typeof RawPeer>[0] = {}) {
    super(options);
    const { sink } = this.quic;
    this.quic.sink = {
      ...sink,
      streamData: (connection, stream, buffer, start, end) => {
        if (end > start) connection.consume(stream, end - start);
        // The server's second stream, as its first is the control stream.
        if (stream === 7) this.said.push(...buffer.subarray(start, end));
      },
    };
    this.#encoder = this.open(false, bytes(2));
  }

  instruct(...parts: Parameters<typeof bytes>): void {
    this.write(this.#encoder, bytes(...parts));
  }

  get held(): number {
    return this.http3.qpackCounters.bytes.held;
  }
}

test('a request that comes before its entries waits for them, and nothing is lost or told out of order', () => {
  for (const piece of [1, 5, 4000]) {
    const peer = new Instructing({ piece });
    const stream = peer.open(true, bytes(REQUEST, data('hello'), TRAILERS), true);
    assert.equal(peer.recorder.streams.size, 0, 'the application does not know of it');
    assert.ok(peer.held > 0);
    peer.instruct(CAPACITY);
    peer.instruct(INSERT);
    const log = peer.recorder.log(stream);
    assert.deepEqual([log.request?.authority, log.body, log.ended], ['www.example.com', 'hello', false]);
    assert.ok(peer.held > 0, 'the trailers wait for another one');
    peer.instruct(INSERT_TRAILER);
    assert.deepEqual([log.trailers, log.ended], [lines('x-sum: 1'), true]);
    // RFC 9204 §2.2.2: the decoder stream, a section for each entry.
    assert.deepEqual(peer.said, [3, 0x80, 0x80]);
    const { blockedSections, references, inserted, bytes: used } = peer.http3.qpackCounters;
    assert.deepEqual([blockedSections, references.received, inserted.received], [2, 2, 2]);
    assert.deepEqual(used, { received: 57 + 38, sent: 0, held: 0 });
    assert.equal(peer.outcome, 'open');
  }
});

test('an entry that no section has told of is told of by itself (RFC 9204 §2.2.2.3)', () => {
  const peer = new Instructing();
  peer.instruct(CAPACITY, INSERT, INSERT_TRAILER);
  assert.deepEqual(peer.said, [3, 2], 'both at once');
  peer.open(true, REQUEST, true);
  assert.deepEqual(peer.said, [3, 2, 0x80]);
});

test('a stream that waits keeps its flow-control credit (RFC 9204 §2.2.1)', () => {
  const peer = new Instructing({ piece: 4000 });
  const stream = peer.open(true, bytes(REQUEST, data('x'.repeat(500))));
  const half = peer.pair.server.wire.streams.get(stream)?.halves[0];
  assert.equal(half?.unconsumed, REQUEST.length + 3 + 500);
  peer.instruct(CAPACITY, INSERT);
  assert.equal(half?.unconsumed, 0);
});

test('a stream that waits may be reset, and is cancelled; another goes on (RFC 9204 §2.2.2.2)', () => {
  const peer = new Instructing();
  const first = peer.open(true, bytes(REQUEST, data('lost')));
  const second = peer.open(true, REQUEST, true);
  peer.quic.reset(first, 0x10c);
  peer.pair.run();
  assert.deepEqual(peer.said, [3, 0x40 | first]);
  peer.instruct(CAPACITY, INSERT);
  assert.deepEqual(peer.said.slice(2), [0x80 | second]);
  assert.deepEqual([peer.recorder.streams.has(first), peer.recorder.log(second).ended], [false, true]);
  assert.equal(peer.held, 0);
});

test('what happens on one stream may end another that waits', () => {
  const peer = new Instructing();
  const streams = [0, 1, 2].map(() => peer.open(true, REQUEST, true));
  const [first = -1, second = -1, third = -1] = streams;
  peer.recorder.onRequest = (http3, stream) => {
    if (stream === first) http3.cancel(second);
  };
  peer.instruct(CAPACITY, INSERT);
  assert.deepEqual([...peer.recorder.streams.keys()], [first, third]);
  assert.deepEqual(peer.said, [3, 0x80 | first, 0x40 | second, 0x80 | third]);
});

test('more streams that wait than allowed are an error of the connection (RFC 9204 §2.1.2)', () => {
  assert.deepEqual(DEFAULT_QPACK_LIMITS, { tableBytes: 4096, blockedStreams: 16, heldBytes: 262_144 });
  for (const [blockedStreams, count] of [
    [undefined, 16],
    [2, 2],
    [0, 0],
  ] as const) {
    const peer = new Instructing(blockedStreams === undefined ? {} : { http3: { qpack: { blockedStreams } } });
    for (let i = 0; i < count; i++) peer.open(true, REQUEST);
    assert.equal(peer.outcome, 'open');
    peer.open(true, REQUEST);
    assert.equal(peer.outcome, 0x200);
  }
});

test('more bytes than may be kept end the stream that brings them, and only that', () => {
  const peer = new Instructing({ http3: { qpack: { heldBytes: 1000 } } });
  const patient = peer.open(true, REQUEST);
  const greedy = peer.open(true, bytes(REQUEST, data('x'.repeat(990))));
  assert.equal(peer.outcome, 'open');
  assert.equal(peer.pair.server.wire.streams.get(greedy)?.halves[0]?.stopCode, 0x107);
  assert.deepEqual(peer.said, [3, 0x40 | greedy]);
  assert.equal(peer.held, REQUEST.length - 2);
  peer.instruct(CAPACITY, INSERT);
  assert.equal(peer.recorder.log(patient).request?.authority, 'www.example.com');
  const section = new Instructing({ http3: { qpack: { heldBytes: 5 } } });
  section.open(true, REQUEST);
  assert.deepEqual([section.outcome, section.held, section.recorder.streams.size], ['open', 0, 0]);
});

test('what waits takes memory for its bytes and not for the pieces that it comes in', () => {
  const WAITING = 63_000;
  const peer = new Instructing({ piece: 1 });
  const content = 'abcdefg'.repeat(WAITING / 7);
  const before = inUse();
  const stream = peer.open(true, bytes(REQUEST, data(content)), true);
  const held = inUse() - before;
  assert.ok(peer.held > WAITING - 7);
  assert.ok(held < 8 * WAITING, `${held} bytes held`);
  peer.instruct(CAPACITY, INSERT);
  const { body, ended } = peer.recorder.log(stream);
  assert.ok(body === content && ended);
});

test('with a table of no bytes there is none: nothing is announced, nothing is taken, nothing is said', () => {
  const peer = new Instructing({ http3: { qpack: { tableBytes: 0 } } });
  assert.deepEqual(
    [peer.http3.localSettings.qpackMaxTableCapacity, peer.http3.localSettings.qpackBlockedStreams],
    [0, 0],
  );
  peer.quic.reset(peer.open(true, headers(...GET)), 0x10c);
  peer.pair.run();
  assert.deepEqual([peer.said, peer.outcome], [[], 'open']);
  peer.instruct(CAPACITY);
  assert.equal(peer.outcome, 0x201);
});

test('a peer that never reads our decoder stream is let go', () => {
  const peer = new RawPeer({ limits: { streamWindow: 100, bidirectionalStreams: 20_000 } });
  peer.quic.sink = { ...peer.quic.sink, streamData: () => {} };
  const stream = peer.quic.openStream(false);
  peer.quic.write(stream, bytes(2), false);
  let requests = 0;
  for (; peer.outcome === 'open' && requests < 20_000; requests++) {
    const request = peer.quic.openStream(true);
    peer.quic.reset(request, 0x10c);
    if (requests % 100 === 0) peer.pair.run();
  }
  assert.equal(peer.outcome, 0x107);
  // Three or four bytes each.
  assert.ok(requests > 4000 && requests < 6000, `${requests} requests`);
});

test('early data relies on the capacity that was remembered, unless it was refused (RFC 9204 §3.2.3)', () => {
  const remembered = {
    maxFieldSectionBytes: 1000,
    qpackMaxTableCapacity: 4096,
    qpackBlockedStreams: 16,
    enableConnectProtocol: false,
    h3Datagram: false,
  };
  const outcome = (earlyData: 'accepted' | 'rejected', capacity: number) => {
    const peer = new RawPeer({ server: false, earlyData, http3: { remembered } });
    const heldBefore = peer.http3.peerSettings.qpackMaxTableCapacity;
    peer.open(false, bytes(0, settings(1, capacity, 6, 1000, 7, 16)));
    return [heldBefore, peer.outcome];
  };
  assert.deepEqual(outcome('accepted', 4096), [4096, 'open']);
  assert.deepEqual(outcome('accepted', 4097), [4096, 0x202]);
  assert.deepEqual(outcome('accepted', 0), [4096, 0x202]);
  assert.deepEqual(outcome('rejected', 100), [0, 'open']);
});

test('nothing is inserted before the settings of the peer are there, nor in early data', () => {
  const pair = new MemoryPair(1);
  const c = new Http3Connection(pair.client, new Recorder(), {
    remembered: { ...new Http3Connection(pair.server, new Recorder()).localSettings },
  });
  pair.client.sink = c.events;
  for (let i = 0; i < 5; i++) c.openRequest(lines(...GET, 'user-agent: some agent'), true);
  assert.deepEqual([c.qpackCounters.inserted.sent, c.qpackCounters.references.sent], [0, 0]);
});

test('requests and answers that repeat go by reference, both ways', () => {
  const pair = new MemoryPair(3);
  const server = new Recorder();
  const c = new Http3Connection(pair.client, new Recorder());
  const s = new Http3Connection(pair.server, server);
  server.onEnd = (http3, stream) => void http3.respond(stream, lines(':status: 200', 'server: some server'), true);
  pair.connect(c.events, s.events);
  pair.run();
  for (let i = 0; i < 10; i++) {
    const stream = c.openRequest(lines(...GET, 'user-agent: some agent', 'x-own: 1', 'authorization: secret'), true);
    pair.run();
    assert.deepEqual(
      server.log(stream).request?.fields.map(({ value, sensitive = false }) => [value, sensitive]),
      [
        ['some agent', false],
        ['1', false],
        ['secret', true],
      ],
    );
  }
  // :authority, user-agent and x-own from the third request on, server from the third answer on.
  const { client, server: answers } = { client: c.qpackCounters, server: s.qpackCounters };
  assert.deepEqual(
    [client.inserted, client.references],
    [
      { received: 1, sent: 3 },
      { received: 8, sent: 24 },
    ],
  );
  assert.deepEqual(
    [answers.inserted, answers.references],
    [
      { received: 3, sent: 1 },
      { received: 24, sent: 8 },
    ],
  );
  assert.equal(client.blockedSections + answers.blockedSections, 0);
});
