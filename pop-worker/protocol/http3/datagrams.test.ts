import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATAGRAM_HEADROOM } from './api.ts';
import { Http3Connection } from './connection.ts';
import { MemoryPair } from './testing/pair.ts';
import { bytes, frame, GET, headers, lines, RawPeer } from './testing/raw.ts';
import { Recorder } from './testing/recorder.ts';

const CONNECT = [':method: CONNECT', ':protocol: x', ':scheme: https', ':authority: a', ':path: /'] as const;

const connect = (clientOptions = {}, serverOptions = {}) => {
  const pair = new MemoryPair(1, { datagramQueue: 3 });
  const client = new Recorder();
  const server = new Recorder();
  const c = new Http3Connection(pair.client, client, clientOptions);
  const s = new Http3Connection(pair.server, server, serverOptions);
  pair.connect(c.events, s.events);
  pair.run();
  return { pair, client, server, c, s };
};

const send = (http3: Http3Connection, stream: number, text: string): boolean => {
  const buffer = bytes('#'.repeat(DATAGRAM_HEADROOM), text);
  return http3.sendDatagram(stream, buffer, DATAGRAM_HEADROOM, buffer.length);
};

test('datagrams of several streams reach their streams (RFC 9297 §2.1)', () => {
  const { pair, client, server, c, s } = connect();
  const streams = Array.from({ length: 70 }, () => c.openRequest(lines(...CONNECT), false));
  pair.run();
  const [first, last] = [streams[0] as number, streams[69] as number];
  assert.equal(send(c, first, 'a') && send(c, last, 'b') && send(c, first, ''), true);
  assert.equal(send(s, last, 'c'), true);
  pair.run();
  assert.deepEqual(server.log(first).datagrams, ['a', '']);
  assert.deepEqual(server.log(last).datagrams, ['b']);
  assert.deepEqual(client.log(last).datagrams, ['c']);
  assert.equal(c.maxDatagramBytes(first), 1199);
  assert.equal(c.maxDatagramBytes(last), 1198);
});

test('a full queue and a payload too large are told and counted', () => {
  const { pair, c } = connect();
  const stream = c.openRequest(lines(...CONNECT), false);
  pair.run();
  assert.deepEqual(
    [1, 2, 3, 4].map(() => send(c, stream, 'x')),
    [true, true, true, false],
  );
  pair.run();
  assert.equal(send(c, stream, 'x'.repeat(1200)), false);
  assert.equal(c.counters.notSent, 2);
});

test('not before both sides announced it, not on a request that gives it no meaning', () => {
  for (const [clientOptions, serverOptions] of [
    [{ h3Datagram: false }, {}],
    [{}, { h3Datagram: false }],
  ]) {
    const { pair, c } = connect(clientOptions, serverOptions);
    const stream = c.openRequest(lines(...CONNECT), false);
    pair.run();
    assert.equal(c.maxDatagramBytes(stream), 0);
    assert.equal(send(c, stream, 'x'), false);
  }
  const { pair, c } = connect();
  const get = c.openRequest(lines(...GET), false);
  pair.run();
  assert.equal(send(c, get, 'x'), false);
  assert.equal(send(c, 400, 'x'), false);
  assert.throws(() => c.sendDatagram(get, bytes('12345678'), 7, 8), { fault: 'local' });
});

test('not once the send side is closed (RFC 9297 §2.1)', () => {
  const { pair, c } = connect();
  const stream = c.openRequest(lines(...CONNECT), false);
  pair.run();
  c.sendBody(stream, new Uint8Array(0), true);
  assert.equal(send(c, stream, 'x'), false);
});

const datagram = (peer: RawPeer, ...content: readonly (number | string)[]) => {
  const all = bytes(...content);
  peer.quic.sendDatagram(all, 0, all.length);
  peer.pair.run();
};

test('what arrives out of place (RFC 9297 §2, §2.1)', () => {
  const peer = new RawPeer();
  datagram(peer, 0, 'too early');
  datagram(peer, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'the largest');
  assert.equal(peer.http3.counters.receivedWithoutStream, 2);
  const stream = peer.open(true, headers(...CONNECT));
  datagram(peer, 0, 'fine');
  datagram(peer, 0xc0, 0, 0, 0, 0, 0, 0, 0, 'long form');
  assert.deepEqual(peer.recorder.log(stream).datagrams, ['fine', 'long form']);
  peer.write(stream, bytes(), true);
  datagram(peer, 0, 'too late');
  assert.equal(peer.http3.counters.receivedWithoutStream, 3);
  const get = peer.open(true, headers(...GET));
  datagram(peer, 1, 'no meaning');
  assert.equal(peer.recorder.log(get).aborted?.code, 0x33);
  assert.equal(peer.outcome, 'open');
});

test('datagrams that end the connection', () => {
  for (const content of [[], [0x40], [0xd0, 0, 0, 0, 0, 0, 0, 0], [0xff, 255, 255, 255, 255, 255, 255, 255]]) {
    const peer = new RawPeer();
    datagram(peer, ...content);
    assert.equal(peer.outcome, 0x33);
  }
});

test('a datagram before its request is whole is dropped, not an error', () => {
  const peer = new RawPeer();
  const stream = peer.open(true, frame(0x21));
  datagram(peer, 0, 'x');
  assert.equal(peer.outcome, 'open');
  assert.equal(peer.http3.counters.receivedWithoutStream, 1);
  peer.write(stream, headers(...CONNECT));
  assert.equal(peer.recorder.log(stream).datagrams.length, 0);
});
