import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { CloseInfo, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import { RecordingSink } from '#protocol/quic/testing/sinks.ts';
import { HeldBytes, HeldEarly, MOST_ALL_BYTES, MOST_HELD_BYTES } from './held-early.ts';

const INFO: HandshakeInfo = { alpn: 'h3', resumed: true, earlyData: 'accepted', peerCertificate: undefined };
const CLOSED: CloseInfo = { by: 'local', application: true, code: 0, reason: '' };

const scene = (all = new HeldBytes()) => {
  const sink = new RecordingSink();
  const closes: number[] = [];
  const quic = { consume: () => {}, close: (code: number) => closes.push(code) } as unknown as QuicConnection;
  const held = new HeldEarly(sink, all);
  return { all, sink, closes, quic, held };
};

test('what comes as early data waits, as it was, until the handshake is confirmed', () => {
  const { all, sink, quic, held } = scene();
  const lent = Uint8Array.of(9, 1, 2, 3);
  held.streamData(quic, 0, lent, 1, 4, false);
  lent.fill(0);
  held.streamReset(quic, 4, 7);
  held.streamData(quic, 0, lent, 0, 1, true);
  held.datagram(quic, lent, 0, 4);
  assert.equal(sink.received.size, 0);
  assert.ok(all.bytes > 4);
  held.handshakeComplete(quic, INFO);
  assert.equal(sink.received.size, 0);
  held.handshakeConfirmed(quic);
  assert.deepEqual(sink.received.get(0), [Uint8Array.of(1, 2, 3), Uint8Array.of(0)]);
  assert.ok(sink.finished.has(0));
  assert.deepEqual(sink.resets, [{ stream: 4, code: 7 }]);
  // No tunnel was open: what is not reliable goes.
  assert.equal(sink.datagrams.length, 0);
  assert.equal(all.droppedDatagrams, 1);
  assert.equal(all.bytes, 0);
  held.streamData(quic, 8, lent, 0, 2, false);
  held.datagram(quic, lent, 0, 4);
  assert.equal(sink.received.get(8)?.length, 1);
  assert.equal(sink.datagrams.length, 1);
});

test('a copy whose sender gets no further has no effect', () => {
  const { all, sink, quic, held } = scene();
  held.streamData(quic, 0, new Uint8Array(1000), 0, 1000, true);
  held.closed(quic, CLOSED, 0);
  assert.equal(sink.received.size, 0);
  assert.equal(sink.closes.length, 1);
  assert.equal(all.bytes, 0);
});

test('a connection that brings too much is closed, and a thread holds no more than it may', () => {
  const { quic, held, closes } = scene();
  for (let at = 0; at < MOST_HELD_BYTES; at += 8192) held.streamData(quic, 0, new Uint8Array(8192), 0, 8192, false);
  assert.deepEqual(closes, [Http3ErrorCode.excessiveLoad]);
  const all = new HeldBytes();
  for (let n = 0; all.hasRoom; n++) {
    assert.ok(n * 60_000 < MOST_ALL_BYTES);
    const one = scene(all);
    one.held.streamData(one.quic, 0, new Uint8Array(60_000), 0, 60_000, false);
  }
  assert.ok(all.bytes < MOST_ALL_BYTES + MOST_HELD_BYTES);
});
