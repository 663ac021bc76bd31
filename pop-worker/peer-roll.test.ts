import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { threadOf } from '#dataplane/wireguard/steering.ts';
import { readKeys, readPlaces, type ThreadPeers } from '#dataplane/wireguard/thread-peers.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { slotOf } from '#telemetry/slots.ts';
import { PeerRoll } from './peer-roll.ts';

const keyOf = (key: number): Uint8Array => new Uint8Array(32).fill(key);
const peer = (number: number, more: Partial<WireGuardPeer> = {}): WireGuardPeer => ({
  ...{ tenant: 'red', device: `d${number}`, number, publicKey: keyOf(number), egress: true },
  ...{ sources: [`10.64.0.${number}/32`], ...more },
});

/** What a thread has, as it has been told. */
class Thread {
  readonly own = new Map<number, WireGuardPeer>();
  readonly elsewhere = new Map<string, number>();

  take({ changed, removed, elsewhere, nowhere }: ThreadPeers): void {
    for (const number of removed) assert.ok(this.own.delete(number), `${number} was never told`);
    for (const one of changed) this.own.set(one.number, one);
    for (const key of readKeys(nowhere)) assert.ok(this.elsewhere.delete(String(key)), 'a key that was never told');
    for (const { publicKey, number } of readPlaces(elsewhere)) this.elsewhere.set(String(publicKey), number);
  }
}

const scene = (most = 100, threads = 2) => {
  const posts: [thread: number, peers: ThreadPeers][] = [];
  const all = Array.from({ length: threads }, () => new Thread());
  const roll = new PeerRoll({
    ...{ most, threads, ownsKeys: false },
    post: (thread, peers) => {
      posts.push([thread, structuredClone(peers)]);
      all[thread]?.take(peers);
    },
  });
  /** Of peers by the names of their devices. */
  const take = (changed: readonly WireGuardPeer[], ...removed: readonly number[]): void => {
    const named = changed.map((one) => [`red.${one.device}`, one] as const);
    roll.take({ changed: new Map(named), removed: removed.map((number) => `red.d${number}`) });
  };
  const numbers = () => all.flatMap(({ own }) => [...own.keys()]).toSorted((a, b) => a - b);
  return { roll, posts, all, take, numbers };
};

const NONE = new Uint8Array();

test('a change of one peer of twenty thousand posts that peer to its thread, and to the others its key if that is another', () => {
  const { posts, take } = scene(20_000, 3);
  const bytes = (number: number): Uint8Array => new Uint8Array(32).fill(number & 0xff).fill(number >> 8, 8, 16);
  const all = Array.from({ length: 20_000 }, (_, i) => peer(i + 1, { publicKey: bytes(i + 1) }));
  take(all);
  const one = { ...all[999], egress: false } as WireGuardPeer;
  assert.equal(threadOf(1000, 3), 1);
  posts.length = 0;
  take([one]);
  assert.deepEqual(posts, [[1, { changed: [one], removed: [], elsewhere: NONE, nowhere: NONE }]]);
  posts.length = 0;
  take([{ ...one, publicKey: keyOf(255) }]);
  const elsewhere = Uint8Array.from([...keyOf(255), 0, 0, 3, 232]);
  const others = { changed: [], removed: [], elsewhere, nowhere: bytes(1000) };
  const own = { changed: [{ ...one, publicKey: keyOf(255) }], removed: [], elsewhere: NONE, nowhere: NONE };
  const inOrder = () => posts.toSorted(([a], [b]) => a - b);
  assert.deepEqual(inOrder(), [
    [0, others],
    [1, own],
    [2, others],
  ]);
  posts.length = 0;
  take([], 1000);
  const gone = { changed: [], removed: [], elsewhere: NONE, nowhere: keyOf(255) };
  assert.deepEqual(inOrder(), [
    [0, gone],
    [1, { ...gone, removed: [1000], nowhere: NONE }],
    [2, gone],
  ]);
});

test('what is as before is told nobody, whoever says it again', () => {
  const { posts, take } = scene();
  take([peer(1), peer(2)]);
  posts.length = 0;
  take([peer(1), peer(2)], 7);
  assert.deepEqual(posts, []);
});

test('of more than may be those with the highest numbers are refused, in whatever order they came', () => {
  const { roll, take, numbers } = scene(3);
  take([peer(5), peer(2)]);
  take([peer(4), peer(9)]);
  assert.deepEqual([numbers(), roll.refused], [[2, 4, 5], 1]);
  take([peer(1), peer(3)]);
  assert.deepEqual([numbers(), roll.refused], [[1, 2, 3], 3]);
  assert.equal(roll.slots[slotOf('cloudbridge_wireguard_peers', { state: 'refused' })], 3);
  take([], 2);
  assert.deepEqual([numbers(), roll.refused], [[1, 3, 4], 2], 'who is next by number comes in');
  take([], 9);
  assert.deepEqual([numbers(), roll.refused], [[1, 3, 4], 1], 'one that was refused leaves');
  take([peer(5, { egress: false })]);
  take([], 1);
  assert.deepEqual([numbers(), roll.refused], [[3, 4, 5], 0]);
});

test('a number and a key are one peer’s; who waits for them comes in when they are free', () => {
  const { roll, all, take, numbers } = scene(100, 1);
  const known = (number: number) => all[0]?.own.get(number)?.device;
  take([
    peer(1),
    peer(2, { device: 'same-key', publicKey: keyOf(1) }),
    peer(1, { device: 'same', publicKey: keyOf(3) }),
  ]);
  assert.deepEqual([numbers(), known(1), roll.refused], [[1], 'd1', 2]);
  take([peer(4, { device: 'same', publicKey: keyOf(3) })]);
  assert.deepEqual([numbers(), roll.refused], [[1, 4], 1]);
  take([], 1);
  assert.deepEqual([numbers(), known(2), roll.refused], [[2, 4], 'same-key', 0]);
  // Two that change keys, told one after the other.
  take([peer(8), peer(9)]);
  take([peer(8, { publicKey: keyOf(9) })]);
  assert.deepEqual([numbers(), roll.refused], [[2, 4, 9], 1]);
  take([peer(9, { publicKey: keyOf(8) })]);
  assert.deepEqual([numbers(), roll.refused], [[2, 4, 8, 9], 0]);
  // …and at once.
  take([peer(8), peer(9)]);
  assert.deepEqual([all[0]?.own.get(8)?.publicKey, roll.refused], [keyOf(8), 0]);
});

test('whatever happens, threads have those of the lowest numbers, each its own, and know the others by their keys', () => {
  const step = fc.record({ device: fc.nat(7), number: fc.nat(9), key: fc.nat(9), egress: fc.boolean() });
  const steps = fc.array(fc.tuple(fc.array(step, { maxLength: 4 }), fc.array(fc.nat(7), { maxLength: 2 })));
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), (all, most, count) => {
      const { roll, all: threads, take } = scene(most, count);
      const wanted = new Map<string, WireGuardPeer>();
      for (const [changes, removed] of all) {
        const changed = new Map(
          changes.map(({ device, number, key, egress }) => {
            const more = { device: `d${device}`, publicKey: keyOf(key), egress };
            return [more.device, peer(number, more)] as const;
          }),
        );
        take([...changed.values()], ...removed.filter((device) => !changed.has(`d${device}`)));
        for (const device of removed) if (!changed.has(`d${device}`)) wanted.delete(`d${device}`);
        for (const [device, one] of changed) wanted.set(device, one);
        const served = threads.flatMap(({ own }, thread) => {
          for (const number of own.keys()) assert.equal(threadOf(number, count), thread);
          return [...own.values()];
        });
        for (const one of served) assert.deepEqual(wanted.get(one.device), one);
        for (const what of ['number', 'publicKey', 'device'] as const)
          assert.equal(new Set(served.map((one) => String(one[what]))).size, served.length);
        assert.equal(roll.refused, wanted.size - served.length);
        // Nobody is refused whose number and key are free, unless there are too many.
        const highest = Math.max(...served.map(({ number }) => number));
        for (const one of wanted.values()) {
          if (served.includes(one) || served.some(({ device }) => device === one.device)) continue;
          const hasRoom = served.length < most || one.number < highest;
          const isTaken = [...wanted.values()].some(
            (other) =>
              other !== one && (other.number === one.number || String(other.publicKey) === String(one.publicKey)),
          );
          assert.ok(isTaken || !hasRoom, `${one.number}`);
        }
        for (const [thread, { elsewhere }] of threads.entries()) {
          const others = served.filter(({ number }) => threadOf(number, count) !== thread);
          const places = others.map(({ publicKey, number }) => [String(publicKey), number] as const);
          assert.deepEqual(new Map([...elsewhere].sort()), new Map(places.sort()));
        }
      }
    }),
  );
});

test('preshared keys that are nobody else’s are wiped once no record has them, and those that somebody else keeps are not', () => {
  for (const ownsKeys of [true, false]) {
    const roll = new PeerRoll({ ...{ most: 1, threads: 1, ownsKeys }, post: () => {} });
    const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
    const take = (number: number, presharedKey: Uint8Array, more: Partial<WireGuardPeer> = {}): void => {
      const one = peer(number, { presharedKey, ...more });
      roll.take({ changed: new Map([[`red.${one.device}`, one]]), removed: [] });
    };
    const [first, again, changed, other, waiting] = [key(1), key(1), key(1), key(2), key(3)] as const;
    const wiped = () => [first, again, changed, other, waiting].map(([byte]) => byte === 0);
    take(1, first);
    take(1, first, { keepaliveSeconds: 5 });
    assert.deepEqual(wiped(), [false, false, false, false, false], 'it has the same one still');
    take(1, again, { keepaliveSeconds: 5 });
    assert.deepEqual(wiped(), [false, ownsKeys, false, false, false], 'a record that says the same is not kept');
    take(1, changed);
    assert.deepEqual(wiped(), [ownsKeys, ownsKeys, false, false, false]);
    take(1, other);
    take(2, waiting);
    assert.deepEqual(wiped(), [ownsKeys, ownsKeys, ownsKeys, false, false], 'it may come in yet');
    roll.take({ changed: new Map(), removed: ['red.d1', 'red.d2'] });
    assert.deepEqual(wiped(), [ownsKeys, ownsKeys, ownsKeys, ownsKeys, ownsKeys]);
  }
});
