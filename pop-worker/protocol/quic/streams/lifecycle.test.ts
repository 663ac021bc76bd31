import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameKind } from '../recovery/frame-kind.ts';
import { kindsOf, LIMITS, type Packet, Peer, pair, pattern, settle } from './testing/peer.ts';

const nothing = new Uint8Array(0);

test('both directions over: each side is told once, and only numbers remain', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(true);
  a.streams.write(id, pattern(10), true);
  settle(a, b);
  assert.deepEqual([a.events, b.events], [[], []]);
  b.streams.write(id, pattern(20), true);
  settle(a, b);
  assert.deepEqual([a.events, b.events], [[`closed ${id}`], [`closed ${id}`]]);
  assert.deepEqual([a.streams.size, b.streams.size], [0, 0]);
});

test('§3.2 Data Read: a stream whose bytes are not consumed is not over', () => {
  const [a, b] = pair();
  b.consumes = false;
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(10), true);
  settle(a, b);
  assert.deepEqual([a.events, b.events], [[`closed ${id}`], []]);
  b.streams.consume(id, 4);
  b.tick();
  assert.deepEqual(b.events, []);
  assert.throws(() => b.streams.consume(id, 7), { fault: 'local' });
  b.streams.consume(id, 6);
  b.tick();
  assert.deepEqual(b.events, [`closed ${id}`]);
  b.streams.consume(id, 6);
});

test('RESET_STREAM: the reader is told, the rest is not delivered, credit comes back (§4.5)', () => {
  const [a, b] = pair();
  b.consumes = false;
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(5000), false);
  const packets = a.packets(1000);
  b.receive(packets[0] as Packet);
  a.streams.reset(id, 7);
  settle(a, b);
  assert.deepEqual(b.events, [`reset ${id} 7`, `closed ${id}`]);
  assert.deepEqual(a.events, [`closed ${id}`]);
  for (const packet of packets) b.receive(packet);
  assert.ok((b.received.get(id)?.length ?? 0) < 1000);
  // All 5000 bytes count, and all are credited again: the other streams may have the whole window.
  let left = LIMITS.initialMaxData + 40_000;
  b.consumes = true;
  for (let i = 0; i < 4; i++) {
    const next = a.streams.openStream(false);
    a.streams.write(next, pattern(20_000), true);
    left -= 20_000;
  }
  assert.equal(left, 0);
  settle(a, b);
  assert.equal(b.ended.size, 4);
});

test('a lost RESET_STREAM or STOP_SENDING goes again, unchanged (§13.3)', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(true);
  a.streams.write(id, pattern(100), false);
  settle(a, b);
  a.streams.reset(id, 3);
  a.streams.stopSending(id, 4);
  const packet = a.packet() as Packet;
  assert.deepEqual(kindsOf(packet), ['resetStream', 'stopSending']);
  a.lost(packet);
  assert.deepEqual(a.packet()?.bytes, packet.bytes);
  a.acked(packet);
  a.lost(packet);
  b.receive(packet);
  assert.deepEqual(b.events, [`reset ${id} 3`, `stop ${id} 4`]);
});

test('§3.5: STOP_SENDING is answered by RESET_STREAM with the same code; late bytes count and are dropped', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(true);
  a.streams.write(id, pattern(3000), false);
  const late = a.packets(1000);
  b.receive(late[0] as Packet);
  const before = b.received.get(id)?.length;
  b.streams.stopSending(id, 9);
  a.receive(b.packet() as Packet);
  assert.deepEqual(a.events, [`stop ${id} 9`]);
  a.streams.write(id, pattern(10), false);
  for (const packet of late) b.receive(packet);
  assert.equal(b.received.get(id)?.length, before);
  const reset = a.packet() as Packet;
  assert.deepEqual(reset.frames, [[FrameKind.resetStream, id, 0, 0]]);
  b.receive(reset);
  assert.deepEqual(b.events, []);
  b.streams.write(id, nothing, true);
  a.acked(reset);
  settle(a, b);
  assert.deepEqual([a.streams.size, b.streams.size], [0, 0]);
});

test('STOP_SENDING from inside streamData ends delivery at once', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(9000), false);
  const [first, ...rest] = a.packets(1000) as [Packet, ...Packet[]];
  for (const packet of rest) b.receive(packet);
  let calls = 0;
  b.consumes = false;
  b.onData = () => {
    calls++;
    b.streams.stopSending(id, 1);
  };
  b.receive(first);
  assert.equal(calls, 1);
  assert.equal(b.streams.earlyBlocks, 0);
});

test('§4.6: no more streams than allowed; STREAMS_BLOCKED once a limit; the opener is told when there are more', () => {
  const [a, b] = pair();
  const ids = Array.from({ length: LIMITS.initialMaxStreamsBidi }, () => a.streams.openStream(true));
  assert.deepEqual([a.streams.openStream(true), a.streams.openStream(true)], [-1, -1]);
  assert.deepEqual(a.packets().flatMap(kindsOf), ['streamsBlockedBidi']);
  assert.equal(a.streams.openStream(true), -1);
  assert.equal(a.packet(), undefined);
  for (const id of ids) a.streams.write(id, pattern(3), true);
  settle(a, b);
  for (const id of ids) b.streams.write(id, pattern(3), true);
  settle(a, b);
  assert.deepEqual(
    a.events.filter((event) => event.startsWith('available')),
    ['available bidi'],
  );
  assert.equal(a.streams.openStream(true), 4 * ids.length);
});

test('§3.2: a higher stream opens those below, which can be written to before anything came on them', () => {
  const [a, b] = pair();
  const ids = [0, 1, 2].map(() => a.streams.openStream(true));
  a.streams.write(ids[2] as number, pattern(1), false);
  for (const packet of a.packets()) b.receive(packet);
  assert.equal(b.streams.size, 1);
  b.streams.write(ids[0] as number, pattern(5), true);
  settle(a, b);
  assert.equal(a.received.get(ids[0] as number)?.length, 5);
  assert.throws(() => b.streams.write(12, pattern(1), false), { fault: 'local' });
});

test('commands on streams that are over do nothing; misuse is a local error', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(3), true);
  assert.throws(() => a.streams.write(id, pattern(3), false), { fault: 'local' });
  settle(a, b);
  a.streams.write(id, pattern(3), true);
  a.streams.reset(id, 1);
  b.streams.stopSending(id, 1);
  b.streams.consume(id, 1);
  a.streams.setPriority(id, 1, true);
  assert.equal(a.streams.bufferedBytes(id), 0);
  assert.equal(a.packet(), undefined);
  const other = a.streams.openStream(false);
  a.streams.write(other, pattern(3), false);
  settle(a, b);
  assert.throws(() => b.streams.write(other, pattern(3), false), { fault: 'local' });
});

test('late frames for streams that are over are ignored, whatever they say', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(true);
  a.streams.write(id, pattern(3000), true);
  const packets = a.packets(500);
  for (const packet of packets) b.receive(packet);
  b.streams.write(id, pattern(3), true);
  for (const packet of packets) a.acked(packet);
  settle(a, b);
  assert.equal(b.streams.size, 0);
  const events = b.events.length;
  for (const packet of packets) b.receive(packet);
  b.streams.resetStream(id, 1, 99);
  b.streams.stopSendingReceived(id, 1);
  b.streams.maxStreamData(id, 1e6);
  b.streams.streamDataBlocked(id, 5);
  for (const packet of packets) {
    a.acked(packet);
    a.lost(packet);
  }
  assert.deepEqual(
    [b.events.length, b.streams.size, a.streams.size, b.packet(), a.packet()],
    [events, 0, 0, undefined, undefined],
  );
});

test('100,000 short streams leave nothing behind', () => {
  const [a, b] = pair();
  const chunk = pattern(40);
  let done = 0;
  b.onData = (id, fin) => {
    if (fin) b.streams.write(id, chunk, true);
  };
  a.onData = (_, fin) => {
    if (fin) done++;
  };
  while (done < 100_000) {
    for (let id = a.streams.openStream(true); id >= 0; id = a.streams.openStream(true))
      a.streams.write(id, chunk, true);
    settle(a, b, 1200);
    a.received.clear();
    b.received.clear();
    a.ended.clear();
    b.ended.clear();
    a.events.length = 0;
    b.events.length = 0;
  }
  settle(a, b);
  assert.deepEqual([a.streams.size, b.streams.size, a.streams.pending, b.streams.pending], [0, 0, false, false]);
});

test('a server opens its own streams, of both kinds', () => {
  const [client, server] = pair();
  const ids = [server.streams.openStream(true), server.streams.openStream(false), server.streams.openStream(true)];
  assert.deepEqual(ids, [1, 3, 5]);
  for (const id of ids) server.streams.write(id, pattern(10, id), true);
  settle(server, client);
  for (const id of ids) assert.deepEqual(Uint8Array.from(client.received.get(id) ?? []), pattern(10, id));
  assert.deepEqual(new Peer(false).streams.openStream(true), -1);
});
