import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import { newRib, Peer } from '#protocol/bgp/rib/testing/peers.ts';
import { u32At } from '#protocol/bgp/wire/bytes.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { DirtyQueue } from './dirty-queue.ts';
import { BmpFeed, type FeedSettings, LARGEST_MESSAGE_BYTES } from './feed.ts';
import type { BmpPeer } from './peer.ts';
import { SETTINGS } from './testing/scene.ts';
import { BmpType, NO_TIME } from './wire/header.ts';

const HEADS = 48;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A feed of one neighbour, 192.0.2.1, whose RIB tells it of what happens. */
const feeding = (settings: Partial<FeedSettings> = {}, asBytes: 2 | 4 = 4) => {
  const rib = newRib();
  const neighbour = new Peer(rib, { as: 64_500, address: Uint8Array.of(192, 0, 2, 1) }).up();
  const negotiated = { ...neighbour.session, writeRules: { asBytes, pathIdFamilies: [] } } as unknown as Negotiated;
  const peer: BmpPeer = {
    ...{
      index: neighbour.index,
      address: Uint8Array.of(192, 0, 2, 1),
      as: 64_500,
      localAddress: Uint8Array.of(192, 0, 2, 254),
    },
    ...{ localPort: 179, remotePort: 0, sentOpen: new Uint8Array(29), receivedOpen: new Uint8Array(29) },
    ...{ negotiated, treatedAsWithdraw: 3 },
  };
  const feed = new BmpFeed(rib, { ...SETTINGS, ...settings }, [], () => undefined, NO_TIME);
  for (const family of rib.families) family.watcher = feed;
  feed.peerUp(peer, NO_TIME);
  const out = new Uint8Array(LARGEST_MESSAGE_BYTES);
  /** What there is, message by message. */
  const read = (): { readonly type: number; readonly flags: number; readonly body: Uint8Array }[] => {
    const found = [];
    for (let bytes = feed.poll(out); bytes > 0; bytes = feed.poll(out))
      for (let at = 0; at < bytes; at += u32At(out, at + 1))
        found.push({
          type: out[at + 5] as number,
          flags: out[at + 7] as number,
          body: out.slice(at + HEADS, at + u32At(out, at + 1)),
        });
    return found;
  };
  return { rib, neighbour, peer, feed, read };
};
const route = { origin: 0, path: [64_500], nextHop: '198.51.100.1' };

test('RFC 7854 §4.9: why a session ended, by its reason, with the NOTIFICATION or the event', () => {
  const notification = { code: 6, subcode: 2, data: Uint8Array.of(1, 2) };
  const message = `${'ff'.repeat(16)}0017030602${'0102'}`;
  for (const [ending, body] of [
    [{ cause: 'stopped', isSent: true, notification }, `01${message}`],
    [{ cause: 'notification', isSent: false, notification }, `03${message}`],
    [{ cause: 'connection', isSent: false, notification: undefined }, '04'],
    [{ cause: 'hold_expired', isSent: false, notification: undefined }, '020000'],
  ] as const) {
    const { feed, peer, read } = feeding();
    read();
    feed.peerDown(peer, ending, NO_TIME);
    const [down, none] = read();
    assert.deepEqual([down?.type, down && hex(down.body), none], [BmpType.peerDown, body, undefined]);
  }
});

test('what a neighbour had is told no more once its session has ended: no routes, no End-of-RIB, no statistics', () => {
  const { feed, peer, neighbour, read } = feeding({ views: ['adj-rib-in-pre', 'adj-rib-in-post'] });
  neighbour.announce(route, '10.0.0.0/8');
  feed.peerDown(peer, { cause: 'connection', isSent: false, notification: undefined }, NO_TIME);
  neighbour.announce(route, '10.1.0.0/16');
  neighbour.withdraw('10.1.0.0/16');
  feed.told(peer.index, new Uint8Array(40).fill(2), 0, 23);
  feed.statistics(NO_TIME);
  assert.deepEqual(
    read().map(({ type }) => type),
    [BmpType.initiation, BmpType.peerUp, BmpType.peerDown],
  );
});

test('RFC 7854 §4.2, RFC 8671 §4: flags say which table it is, and AS numbers of two bytes', () => {
  const { feed, neighbour, peer, read } = feeding();
  read();
  neighbour.announce(route, '10.0.0.0/8');
  assert.deepEqual(
    read().map(({ flags }) => flags),
    [0, 0x40, 0],
    'before import, behind it, and the Loc-RIB',
  );
  neighbour.withdraw('10.0.0.0/8');
  assert.deepEqual(
    read().map(({ flags }) => flags),
    [0, 0x40, 0],
  );
  const update = new Uint8Array(30);
  update[4 + 18] = 2;
  feed.told(peer.index, update, 4, 27);
  const [out] = read();
  assert.deepEqual([out?.flags, out?.body.length], [0x50, 23]);
  const old = feeding({}, 2);
  old.read();
  old.feed.told(old.peer.index, update, 4, 27);
  assert.equal(old.read()[0]?.flags, 0x70);
  update[4 + 18] = 4;
  feed.told(peer.index, update, 4, 27);
  feed.told(99, update, 4, 27);
  assert.deepEqual(read(), [], 'only UPDATEs, of neighbours that there are');
});

test('attributes that need an extended message are told all the same; what a message holds is in one', () => {
  const { neighbour, read } = feeding({ views: ['adj-rib-in-pre'] });
  read();
  const communities = Array.from({ length: 1100 }, (_, i) => 64_500 * 65_536 + i);
  neighbour.announce({ ...route, communities }, '10.0.0.0/8');
  const [long, none] = read();
  assert.ok((long?.body.length ?? 0) > 4400 && none === undefined);
  const prefixes = Array.from({ length: 1500 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  for (let i = 0; i < 1500; i += 500) neighbour.announce(route, ...prefixes.slice(i, i + 500));
  const lengths = read().map(({ body }) => body.length);
  assert.equal(lengths.length, 2);
  assert.ok(lengths.every((length) => length <= 4096) && (lengths[0] ?? 0) > 4090);
});

test('statistics: counts of each family, what was taken as a withdrawal, by the numbers of the RFCs', () => {
  const { feed, neighbour, read } = feeding({ views: ['adj-rib-in-pre', 'loc-rib'] });
  neighbour.announce(route, '10.0.0.0/8', '10.1.0.0/16');
  read();
  feed.statistics(NO_TIME);
  const [peer, loc] = read().map(({ body }) => hex(body));
  const gauge = (n: number): string => n.toString(16).padStart(16, '0');
  assert.ok(peer?.includes(`00070008${gauge(2)}`), 'all that came');
  assert.ok(peer?.includes(`0009000b000101${gauge(2)}`) && peer.includes(`0009000b000201${gauge(0)}`));
  assert.ok(peer?.includes('000b000400000003') && peer.includes(`000f0008${gauge(0)}`));
  assert.ok(loc?.includes(`00080008${gauge(2)}`) && loc.includes(`000a000b000101${gauge(2)}`));
  assert.equal(Family.ipv4Unicast, 0x0101);
});

test('as many bytes may wait as the settings say, and not one more', () => {
  const { feed } = feeding();
  const { waitingBytes } = feed;
  assert.equal(feed.isOverflowing, false);
  assert.equal(feeding({ mostBytes: waitingBytes }).feed.isOverflowing, false);
  assert.equal(feeding({ mostBytes: waitingBytes - 1 }).feed.isOverflowing, true);
});

test('each number is in the queue once, in the order in which it came first', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(5), fc.constantFrom(1023, 1024, 5000, -1)), { maxLength: 60 }), (steps) => {
      const queue = new DirtyQueue();
      const model: number[] = [];
      for (const step of steps) {
        if (step < 0) {
          if (model.shift() !== undefined) queue.shift();
        } else {
          queue.add(step);
          if (!model.includes(step)) model.push(step);
        }
        assert.deepEqual([queue.size, queue.first], [model.length, model[0] ?? -1]);
      }
    }),
  );
  const queue = new DirtyQueue();
  queue.add(3);
  assert.equal(queue.memory, 4096);
  queue.add(1023);
  assert.equal(queue.memory, 4096);
  queue.add(1024);
  assert.equal(queue.memory, 8192);
  queue.add(100_000);
  assert.equal(queue.memory, 400_004);
});
