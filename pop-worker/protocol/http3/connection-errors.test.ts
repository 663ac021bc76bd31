import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, data, frame, GET, headers, lines, RawPeer, settings } from './testing/raw.ts';

const control = (...frames: readonly Uint8Array[]) => bytes(0, ...frames);

/** What becomes of the connection after these streams, however they are cut. */
const outcome = (server: boolean, streams: readonly { bidi?: boolean; content: Uint8Array; fin?: boolean }[]) => {
  const results = [1, 3, 4000].map((piece) => {
    const peer = new RawPeer({ server, piece, seed: piece });
    for (const { bidi, content, fin } of streams) {
      if (peer.outcome === 'open') peer.open(bidi ?? false, content, fin);
    }
    return peer.outcome;
  });
  assert.equal(new Set(results).size, 1, 'depends on how the bytes are cut');
  return results[0];
};
const toServer = (...streams: Parameters<typeof outcome>[1]) => outcome(true, streams);
const toClient = (...streams: Parameters<typeof outcome>[1]) => outcome(false, streams);
const request = (...frames: readonly Uint8Array[]) => ({ bidi: true, content: bytes(...frames), fin: true });
const uni = (...frames: readonly Uint8Array[]) => ({ content: control(...frames) });

test('settings (RFC 9114 §7.2.4, RFC 9297 §2.1.1, RFC 9220 §3)', () => {
  const table: readonly (readonly [string, Uint8Array, number | 'open'])[] = [
    ['none', settings(), 'open'],
    ['known ones', settings(1, 4096, 6, 1000, 7, 16, 8, 1, 0x33, 1), 'open'],
    ['unknown and reserved ones', settings(0x21, 5, 0x40, 6, 0x1234, 1, 0x3ffff, 2), 'open'],
    ['twice', settings(6, 1, 6, 1), 0x109],
    ['unknown twice', settings(0x21, 1, 0x21, 2), 0x109],
    ['of HTTP/2: 0', settings(0, 1), 0x109],
    ['of HTTP/2: 2', settings(2, 1), 0x109],
    ['of HTTP/2: 3', settings(3, 1), 0x109],
    ['of HTTP/2: 4', settings(4, 1), 0x109],
    ['of HTTP/2: 5', settings(5, 1), 0x109],
    ['H3_DATAGRAM 2', settings(0x33, 2), 0x109],
    ['ENABLE_CONNECT_PROTOCOL 2', settings(8, 2), 0x109],
    ['half a pair', frame(4, [6]), 0x106],
    ['half an integer', frame(4, [6, 0x40]), 0x106],
    ['too many', frame(4, new Uint8Array(4097)), 0x107],
  ];
  for (const [what, first, expected] of table) {
    assert.equal(toServer(uni(first)), expected, what);
    assert.equal(toClient(uni(first)), expected, what);
  }
});

test('frames on the control stream (RFC 9114 §7, table 1)', () => {
  const good = settings();
  const table: readonly (readonly [string, readonly Uint8Array[], number | 'open', (number | 'open')?])[] = [
    ['SETTINGS not first', [frame(0x21), good], 0x10a],
    ['DATA first', [data('x')], 0x10a],
    ['GOAWAY first', [frame(7, [0])], 0x10a],
    ['SETTINGS twice', [good, good], 0x105],
    ['DATA', [good, data('')], 0x105],
    ['HEADERS', [good, headers('x: y')], 0x105],
    ['PUSH_PROMISE', [good, frame(5, [0])], 0x105],
    ['HTTP/2 PRIORITY', [good, frame(2)], 0x105],
    ['HTTP/2 PING', [good, frame(6)], 0x105],
    ['HTTP/2 WINDOW_UPDATE', [good, frame(8)], 0x105],
    ['HTTP/2 CONTINUATION', [good, frame(9)], 0x105],
    ['reserved', [good, frame(0x21, 'anything'), frame(0x40)], 'open'],
    ['unknown', [good, frame(0x1234, 'x'.repeat(5000))], 'open'],
    ['CANCEL_PUSH', [good, frame(3, [0])], 0x108],
    ['CANCEL_PUSH empty', [good, frame(3)], 0x106],
    ['GOAWAY', [good, frame(7, [4]), frame(7, [4]), frame(7, [0])], 'open'],
    ['GOAWAY with a larger identifier', [good, frame(7, [4]), frame(7, [8])], 0x108],
    ['GOAWAY of no request', [good, frame(7, [1])], 'open', 0x108],
    ['GOAWAY empty', [good, frame(7)], 0x106],
    ['GOAWAY with more', [good, frame(7, [0, 0])], 0x106],
    ['GOAWAY too short', [good, frame(7, [0x40])], 0x106],
    ['GOAWAY too long', [good, frame(7, new Uint8Array(9))], 0x106],
    ['GOAWAY of 2^62-4', [good, frame(7, [255, 255, 255, 255, 255, 255, 255, 252])], 'open'],
    ['GOAWAY of 2^62-1', [good, frame(7, [255, 255, 255, 255, 255, 255, 255, 255])], 'open', 0x108],
    ['MAX_PUSH_ID', [good, frame(0xd, [1]), frame(0xd, [1])], 'open', 0x105],
    ['MAX_PUSH_ID lowered', [good, frame(0xd, [2]), frame(0xd, [1])], 0x108, 0x105],
    ['PRIORITY_UPDATE', [good, frame(0xf0700, '\0u=1'), frame(0xf0701, 'x')], 'open', 0x105],
  ];
  for (const [what, frames, server, client = server] of table) {
    assert.equal(toServer(uni(...frames)), server, what);
    assert.equal(toClient(uni(...frames)), client, what);
  }
});

test('unidirectional streams (RFC 9114 §6.2, RFC 9204 §4.2)', () => {
  const stream = (...parts: readonly (number | Uint8Array)[]) => ({ content: bytes(...parts) });
  const ended = (...parts: readonly (number | Uint8Array)[]) => ({ content: bytes(...parts), fin: true });
  const table: readonly (readonly [string, Parameters<typeof outcome>[1], number | 'open', (number | 'open')?])[] = [
    ['control twice', [uni(settings()), uni(settings())], 0x103],
    ['encoder twice', [stream(2), stream(2)], 0x103],
    ['decoder twice', [stream(3), stream(3)], 0x103],
    ['encoder and decoder', [stream(2), stream(3)], 'open'],
    ['control ends', [ended(0, settings())], 0x104],
    ['encoder ends', [ended(2)], 0x104],
    ['decoder ends', [ended(3)], 0x104],
    ['push', [stream(1, 0)], 0x103, 0x108],
    ['unknown type', [stream(0x21, bytes('anything')), ended(0x54), ended(0x7f, 0xff)], 'open'],
    ['ends before its type', [ended(), ended(0x40)], 'open'],
    ['capacity 220', [stream(2, 0x3f, 0xbd, 0x01)], 'open'],
    ['capacity above ours', [stream(2, 0x3f, 0xe2, 0x1f)], 0x201],
    ['duplicate of nothing', [stream(2, 0)], 0x201],
    ['encoder says 0', [stream(2, 0x20)], 'open'],
    ['decoder acknowledges', [stream(3, 0x84)], 0x202],
    ['decoder cancels', [stream(3, 0x48)], 'open'],
  ];
  for (const [what, streams, server, client = server] of table) {
    assert.equal(toServer(...streams), server, what);
    assert.equal(toClient(...streams), client, what);
  }
});

test('critical streams must not be reset or stopped (RFC 9114 §6.2.1)', () => {
  for (const type of [0, 2, 3]) {
    const peer = new RawPeer();
    const stream = peer.open(false, bytes(type));
    peer.quic.reset(stream, 0x100);
    peer.pair.run();
    assert.equal(peer.outcome, 0x104);
  }
  for (const ours of [3, 7]) {
    const peer = new RawPeer();
    // A request that is not read to its end opens our decoder stream.
    peer.quic.reset(peer.open(true, headers(...GET)), 0x10c);
    peer.pair.run();
    peer.quic.stopSending(ours, 0x100);
    peer.pair.run();
    assert.equal(peer.outcome, 0x104);
  }
  const harmless = new RawPeer();
  const unknown = harmless.open(false, bytes(0x21));
  harmless.quic.reset(unknown, 0x100);
  harmless.pair.run();
  assert.equal(harmless.outcome, 'open');
});

test('frames on a request stream (RFC 9114 §4.1, §7)', () => {
  const get = headers(...GET);
  const table: readonly (readonly [string, readonly Uint8Array[], number | 'open'])[] = [
    ['DATA first', [data('x')], 0x105],
    ['HEADERS behind trailers', [get, headers('x: y'), headers('x: y')], 0x105],
    ['DATA behind trailers', [get, headers('x: y'), data('')], 0x105],
    ['SETTINGS', [get, settings()], 0x105],
    ['GOAWAY', [get, frame(7, [0])], 0x105],
    ['MAX_PUSH_ID', [get, frame(0xd, [0])], 0x105],
    ['CANCEL_PUSH', [get, frame(3, [0])], 0x105],
    ['PUSH_PROMISE', [get, frame(5, [0])], 0x105],
    ['PRIORITY_UPDATE', [get, frame(0xf0700, [0])], 0x105],
    ['HTTP/2 PRIORITY', [frame(2)], 0x105],
    ['HTTP/2 CONTINUATION', [get, frame(9)], 0x105],
    ['reserved everywhere', [frame(0x21), get, frame(0x40, 'x'), headers('x: y'), frame(0x5f)], 'open'],
    ['cut in a type', [get, bytes(0x40)], 0x106],
    ['cut in a length', [get, bytes(0, 0x40)], 0x106],
    ['cut in DATA', [get, bytes(0, 2, 0)], 0x106],
    ['cut in HEADERS', [bytes(1, 9, 0, 0)], 0x106],
    ['dynamic reference', [frame(1, [0, 0, 0x80])], 0x200],
    ['dynamic reference in trailers', [get, frame(1, [0, 0, 0x80])], 0x200],
    ['more entries than our table has', [frame(1, [0x82, 0, 0x80])], 0x200],
  ];
  for (const [what, frames, expected] of table) assert.equal(toServer(request(...frames)), expected, what);
});

test('only DATA in a tunnel (RFC 9114 §4.4)', () => {
  const connect = headers(':method: CONNECT', ':authority: a:1');
  assert.equal(toServer(request(connect, data('x'), frame(0x21), data('y'))), 'open');
  assert.equal(toServer(request(connect, headers('x: y'))), 0x105);
  for (const [status, expected] of [
    ['200', 0x105],
    ['404', 'open'],
  ] as const) {
    const peer = new RawPeer({ server: false });
    const stream = peer.http3.openRequest(lines(':method: CONNECT', ':authority: a:1'), false);
    peer.pair.run();
    peer.write(stream, bytes(headers(`:status: ${status}`), headers('x: y')), true);
    assert.equal(peer.outcome, expected);
  }
});

test('streams and pushes that a client must not see', () => {
  assert.equal(toClient({ bidi: true, content: bytes(0) }), 0x103);
  const peer = new RawPeer({ server: false });
  const stream = peer.http3.openRequest(lines(...GET), true);
  peer.pair.run();
  peer.write(stream, frame(5, bytes(0, headers(...GET))));
  assert.equal(peer.outcome, 0x108);
});

test('settings that early data relied on must not shrink (RFC 9114 §7.2.4.2)', () => {
  const remembered = {
    maxFieldSectionBytes: 1000,
    qpackMaxTableCapacity: 0,
    qpackBlockedStreams: 0,
    enableConnectProtocol: true,
    h3Datagram: true,
  };
  const with_ = (...pairs: readonly number[]) => {
    const peer = new RawPeer({ server: false, http3: { remembered } });
    peer.open(false, control(settings(...pairs)));
    return peer.outcome;
  };
  assert.equal(with_(6, 1000, 8, 1, 0x33, 1), 'open');
  assert.equal(with_(8, 1, 0x33, 1), 'open', 'unlimited is more');
  assert.equal(with_(6, 999, 8, 1, 0x33, 1), 0x109);
  assert.equal(with_(0x33, 1), 0x109);
  assert.equal(with_(8, 1), 0x109);
});

test('however little the peer takes, an answer that is larger ends its stream only (RFC 9114 §4.2.2)', () => {
  const answers: boolean[] = [];
  const peer = new RawPeer();
  peer.recorder.onRequest = (http3, stream) => {
    answers.push(http3.respond(stream, lines(':status: 200'), false));
    answers.push(http3.sendTrailers(stream, lines('x: y')));
  };
  peer.open(false, control(settings(6, 1)));
  peer.open(true, headers(...GET), true);
  assert.deepEqual([answers, peer.outcome, peer.http3.openRequests], [[false, false], 'open', 0]);
  const trailers = new RawPeer();
  const outcomes: boolean[] = [];
  trailers.recorder.onRequest = (http3, stream) => {
    outcomes.push(http3.respond(stream, lines(':status: 200'), false));
    outcomes.push(http3.sendTrailers(stream, lines(`x: ${'y'.repeat(100)}`)));
  };
  trailers.open(false, control(settings(6, 100)));
  trailers.open(true, headers(...GET), true);
  assert.deepEqual([outcomes, trailers.outcome, trailers.http3.openRequests], [[true, false], 'open', 0]);
});
