import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ACCEPT_ALL, REJECT_ALL } from '#protocol/bgp/rib/route-policy.ts';
import { LOCAL_AS } from '#protocol/bgp/rib/testing/peers.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { Scene } from './testing/scene.ts';
import { odd, tablesOf } from './testing/tables.ts';
import { NO_TIME } from './wire/header.ts';

const route = (...path: number[]) => ({ origin: 0, path, nextHop: '198.51.100.1' });
const route6 = (...path: number[]) => ({ origin: 0, path, nextHop: '2001:db8::9' });

test('what there is when a station comes, then End-of-RIB, then what changes', () => {
  const scene = new Scene();
  const one = scene.peer(1, { as: 64_500 });
  one.announce(route(64_500), '10.0.0.0/8', '10.1.0.0/16');
  one.announce(route6(64_500, 7), '2001:db8:1::/48');
  const watched = scene.watch();
  const station = watched.read();
  assert.deepEqual(station.lines.slice(0, 3), ['initiation', 'peer up loc', 'peer up 192.0.2.1']);
  for (const table of ['192.0.2.1 pre', '192.0.2.1 post', 'loc'])
    assert.deepEqual(
      station.table(table),
      ['10.0.0.0/8: 64500', '10.1.0.0/16: 64500', '2001:db8:1::/48: 64500 7'],
      table,
    );
  const ends = station.lines.filter((line) => line.startsWith('end'));
  assert.deepEqual(ends.toSorted().slice(0, 4), [
    `end 192.0.2.1 out ${Family.ipv4Unicast}`,
    `end 192.0.2.1 out ${Family.ipv6Unicast}`,
    `end 192.0.2.1 post ${Family.ipv4Unicast}`,
    `end 192.0.2.1 post ${Family.ipv6Unicast}`,
  ]);
  assert.equal(ends.length, 2 * 3 + 4);
  const { updates } = station;
  one.announce(route(64_500, 8), '10.0.0.0/8');
  one.announce(route(64_500, 9), '10.0.0.0/8');
  one.withdraw('10.1.0.0/16');
  watched.read();
  for (const table of ['192.0.2.1 pre', '192.0.2.1 post', 'loc'])
    assert.deepEqual(station.table(table), ['10.0.0.0/8: 64500 9', '2001:db8:1::/48: 64500 7'], table);
  assert.equal(station.updates - updates, 6, 'of two changes the last');
  assert.equal(watched.feed.poll(new Uint8Array(100_000)), 0);
});

test('prefixes of one set of attributes go together', () => {
  const scene = new Scene();
  const one = scene.peer(1, { as: 64_500 });
  const watched = scene.watch({ views: ['adj-rib-in-pre'] });
  one.announce(route(64_500), ...Array.from({ length: 900 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`));
  const station = watched.read();
  assert.equal(station.table('192.0.2.1 pre').length, 900);
  assert.equal(station.updates, 1);
  one.withdraw(...Array.from({ length: 900 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`));
  assert.deepEqual(watched.read().table('192.0.2.1 pre'), []);
  assert.equal(station.updates, 2);
  assert.deepEqual([...station.tables.keys()], ['192.0.2.1 pre'], 'only the views that are wanted');
});

test('before policy all is told, behind it what it has made of it', () => {
  const scene = new Scene();
  const watched = scene.watch();
  const one = scene.peer(1, { as: 64_500, importPolicy: REJECT_ALL });
  one.announce(route(64_500), '10.0.0.0/8');
  const station = watched.read();
  assert.deepEqual(station.table('192.0.2.1 pre'), ['10.0.0.0/8: 64500']);
  assert.deepEqual([station.table('192.0.2.1 post'), station.table('loc')], [[], []]);
  one.change({ importPolicy: ACCEPT_ALL });
  assert.deepEqual(watched.read().table('192.0.2.1 post'), ['10.0.0.0/8: 64500']);
  assert.deepEqual(station.table('loc'), ['10.0.0.0/8: 64500']);
  one.change({ importPolicy: REJECT_ALL });
  watched.read();
  assert.deepEqual([station.table('192.0.2.1 post'), station.table('loc')], [[], []]);
  assert.deepEqual(station.table('192.0.2.1 pre'), ['10.0.0.0/8: 64500']);
});

test('what neighbours are told is told as it goes out, and to a station that comes later too (RFC 8671)', () => {
  const scene = new Scene();
  const early = scene.watch({ views: ['adj-rib-out-post'] });
  const [one] = [scene.peer(1, { as: 64_500 }), scene.peer(2, { as: 64_501 })];
  one.announce(route(64_500), '10.0.0.0/8', '10.1.0.0/16');
  scene.tell();
  one.withdraw('10.1.0.0/16');
  scene.tell();
  const late = scene.watch({ views: ['adj-rib-out-post'] });
  for (const { read } of [early, late].map((watched) => ({ read: () => watched.read() }))) {
    const station = read();
    assert.deepEqual(station.table('192.0.2.2 out'), [`10.0.0.0/8: ${LOCAL_AS} 64500`]);
    assert.ok(station.lines.includes(`end 192.0.2.2 out ${Family.ipv4Unicast}`));
    assert.deepEqual([...station.tables.keys()], ['192.0.2.2 out']);
  }
});

test('a session that ends takes its routes along; the Loc-RIB has them withdrawn', () => {
  const scene = new Scene();
  const watched = scene.watch();
  const one = scene.peer(1, { as: 64_500 });
  one.announce(route(64_500), ...Array.from({ length: 2000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`));
  const station = watched.read();
  const { updates } = station;
  scene.down(one);
  assert.ok(watched.feed.waitingBytes < 16_384, 'many in a message');
  watched.read();
  assert.equal(station.lines.at(-1), 'peer down 192.0.2.1 4');
  assert.deepEqual([station.table('loc'), station.updates - updates <= 3], [[], true]);
  scene.up(one);
  one.announce(route(64_500), '10.0.0.0/8');
  assert.deepEqual(watched.read().table('loc'), ['10.0.0.0/8: 64500']);
});

test('path identifiers of a neighbour that gives them', () => {
  const scene = new Scene();
  const watched = scene.watch();
  const one = scene.peer(1, { as: 64_500 }, [Family.ipv4Unicast]);
  one.announce(route(64_500), '10.0.0.0/8 1');
  one.announce(route(64_500, 7), '10.0.0.0/8 2');
  const station = watched.read();
  assert.deepEqual(station.table('192.0.2.1 pre'), ['10.0.0.0/8 1: 64500', '10.0.0.0/8 2: 64500 7']);
  assert.deepEqual(station.table('loc'), ['10.0.0.0/8: 64500']);
  one.withdraw('10.0.0.0/8 1');
  assert.deepEqual(watched.read().table('192.0.2.1 post'), ['10.0.0.0/8 2: 64500 7']);
});

test('statistics of each neighbour and of the Loc-RIB', () => {
  const scene = new Scene();
  const watched = scene.watch();
  scene.peer(1, { as: 64_500 }).announce(route(64_500), '10.0.0.0/8');
  watched.read();
  watched.feed.statistics(NO_TIME);
  assert.deepEqual(watched.read().lines.slice(-2), ['statistics 192.0.2.1 11', 'statistics loc 5']);
});

test('a station that takes nothing costs so much memory and no more: then its session is to be ended', () => {
  const scene = new Scene();
  const watched = scene.watch({ views: ['adj-rib-in-pre'], mostBytes: 3000 });
  const one = scene.peer(1, { as: 64_500 });
  const before = watched.feed.waitingBytes;
  for (let i = 0; i < 1000; i++) one.announce(route(64_500, i + 1), '10.0.0.0/8');
  assert.equal(watched.feed.waitingBytes, before, 'what can be told later does not wait');
  for (let i = 0; i < 200 && !watched.feed.isOverflowing; i++) {
    one.announce(route(64_500), '10.0.0.0/8');
    one.withdraw('10.0.0.0/8');
    one.announce(route6(64_500), '2001:db8::/32');
    one.withdraw('2001:db8::/32');
  }
  assert.ok(watched.feed.isOverflowing);
});

test('whatever happens, a station knows in the end what is in the tables', () => {
  const op = fc.record({
    what: fc.constantFrom('announce', 'announce', 'announce', 'withdraw', 'flap', 'read', 'policy'),
    peer: fc.nat(1),
    prefix: fc.nat(5),
    last: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), fc.nat(60), (ops, when) => {
      const scene = new Scene();
      const early = scene.watch();
      const policy = odd(scene);
      const peers = [scene.peer(1, { as: 64_500, importPolicy: policy }), scene.peer(2, { as: 64_502 })] as const;
      let late = ops.length < when ? scene.watch() : undefined;
      for (const [i, { what, peer: which, prefix, last }] of ops.entries()) {
        if (i === when) late = scene.watch();
        const peer = peers[which] as (typeof peers)[number];
        const text = `10.${prefix}.0.0/16`;
        if (what === 'announce') peer.announce(route(peer.settings.as, last), text);
        else if (what === 'withdraw') peer.withdraw(text);
        else if (what === 'policy') peers[0].change({ importPolicy: last % 2 === 0 ? policy : ACCEPT_ALL });
        else if (what === 'read') early.read();
        else {
          scene.down(peer);
          scene.up(peer);
        }
        scene.tell();
      }
      for (const watched of [early, late ?? scene.watch()]) {
        const station = watched.read();
        assert.deepEqual(
          [
            '192.0.2.1 pre',
            '192.0.2.1 post',
            '192.0.2.2 pre',
            '192.0.2.2 post',
            'loc',
            '192.0.2.1 out',
            '192.0.2.2 out',
          ].map((table) => station.table(table)),
          tablesOf(
            scene,
            peers.map(({ index }) => index),
          ),
        );
      }
    }),
    { numRuns: 200 },
  );
});
