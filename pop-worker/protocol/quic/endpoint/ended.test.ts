import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDRESS_WORDS } from '../../address.ts';
import { Burst } from '../../burst.ts';
import { Pair } from '../testing/pair.ts';
import { pattern } from '../testing/sinks.ts';
import { Ended, endsWithOthers } from './ended.ts';
import { Replies } from './replies.ts';

const CID = Uint8Array.of(1, 2, 3);
const PEER = new Int32Array(ADDRESS_WORDS).fill(1);
const OTHER = new Int32Array(ADDRESS_WORDS).fill(2);
const farewell = { bytes: pattern(90), remote: PEER, local: OTHER, answersFrom: 1000 };

const make = () => {
  const replies = new Replies(1000);
  const ended = new Ended(7, replies);
  /** @returns whether it was a connection that is over, and bytes that answer it */
  const arrives = (cid: Uint8Array, now: number, bytes = 30, from = PEER): [boolean, number] => {
    const known = ended.receive(cid, 0, cid.length, 1, bytes, { words: from, remoteAt: 0, localAt: 0 }, now);
    const out = new Burst(2000, 4);
    replies.flush(out);
    return [known, out.used];
  };
  return { ended, arrives };
};

test('IDs of connections that are over are known until their time has passed, and no others', () => {
  const { ended, arrives } = make();
  const [second, other] = [Uint8Array.of(4, 5), Uint8Array.of(9, 9, 9)];
  ended.add([CID, second], 250_001, undefined, true);
  ended.add([other], 100_000, undefined, true);
  assert.deepEqual([ended.size, ended.deadline], [2, 100_000]);
  ended.expire(299_999);
  for (const cid of [CID, second]) assert.deepEqual(arrives(cid, 299_999), [true, 0]);
  for (const cid of [second.subarray(0, 1), other]) assert.deepEqual(arrives(cid, 299_999), [false, 0]);
  ended.expire(300_000);
  assert.deepEqual([ended.size, ended.deadline], [0, Number.POSITIVE_INFINITY]);
  assert.deepEqual(arrives(CID, 300_000), [false, 0]);
});

test('counts those whose handshake was never confirmed until they are forgotten', () => {
  const { ended } = make();
  ended.add([CID], 100_000, farewell, false);
  ended.add([Uint8Array.of(4)], 100_000, farewell, true);
  ended.add([Uint8Array.of(5)], 200_000, undefined, false);
  assert.equal(ended.handshakes, 2);
  ended.expire(100_000);
  assert.equal(ended.handshakes, 1);
  ended.expire(200_000);
  assert.equal(ended.handshakes, 0);
});

test('remembers no connection for longer than ten seconds, whatever the peer says of its ACKs', () => {
  const pair = new Pair({ client: { maxAckDelayMs: 16_383 } });
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && pair.serverSink.confirmed));
  assert.ok(pair.run(() => 3 * pair.accepted.parts.recovery.ptoUs(2) > 40_000_000, 100_000));
  connection.close(0, '');
  assert.ok(pair.run(() => pair.serverSink.closes.length > 0));
  const from = pair.now;
  assert.ok(pair.run(() => pair.server.connections === 0));
  const seconds = (pair.now - from) / 1e6;
  assert.ok(seconds >= 10 && seconds <= 10.1, `${seconds}`);
});

test('what ends in the same tenth of a second ends together, and never too early', () => {
  assert.deepEqual([0, 1, 100_000, 100_001, Number.POSITIVE_INFINITY].map(endsWithOthers), [
    0,
    100_000,
    100_000,
    200_000,
    Number.POSITIVE_INFINITY,
  ]);
});

test('answers the 1st, 2nd, 4th, 8th … datagram', () => {
  const { ended, arrives } = make();
  ended.add([CID], 1_000_000, farewell, true);
  const answered: number[] = [];
  for (let i = 1; i <= 20; i++) if (arrives(CID, 1000 + i)[1] === 90) answered.push(i);
  assert.deepEqual(answered, [1, 2, 4, 8, 16]);
});

test('answers nothing that was under way when it told the peer', () => {
  const { ended, arrives } = make();
  ended.add([CID], 1_000_000, farewell, true);
  assert.deepEqual(arrives(CID, 999), [true, 0]);
  assert.deepEqual(arrives(CID, 1000), [true, 90]);
});

test('answers no more than three times what came (RFC 9000 §8.1), and nobody else (§10.2.1)', () => {
  const { ended, arrives } = make();
  ended.add([CID], 1_000_000, farewell, true);
  assert.deepEqual(arrives(CID, 2000, 29), [true, 0]);
  assert.deepEqual(arrives(CID, 2000, 1200, OTHER), [true, 0]);
  assert.deepEqual(arrives(CID, 2000, 30), [true, 90]);
});

test('RFC 9000 §10.2.2: what comes to a drained connection is dropped and counted, and answered by nothing', () => {
  const pair = new Pair();
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  const { localCids } = pair.accepted.parts;
  pair.accepted.write(pair.accepted.openStream(false), pattern(1_000_000), true);
  connection.close(0, '');
  pair.run(() => pair.serverSink.closes.length > 0);
  let kept = 0;
  pair.server.forEach(() => {
    kept++;
  });
  let late = 0;
  pair.onServerSends = () => {
    late++;
  };
  const packet = new Uint8Array(60);
  packet[0] = 0x40;
  localCids.forEach((cid) => {
    packet.set(cid, 1);
  });
  pair.sendToServer(packet);
  pair.run(() => pair.server.counters.droppedClosed > 0, 10_000);
  assert.deepEqual([late, kept, pair.server.counters.droppedClosed], [0, 0, 1]);
  assert.equal(pair.server.counters.statelessResetsSent, 0);
  assert.equal(pair.server.connections, 1);
  assert.ok(pair.run(() => pair.server.connections === 0));
});
