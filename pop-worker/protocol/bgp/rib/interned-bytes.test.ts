import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { numbers } from '#scripts/corpus/corpus.ts';
import { hashWords } from '../../keyed-hash.ts';
import { InternedBytes, MAX_INTERNED_BYTES } from './interned-bytes.ts';

const KEY = { k0: 0x01234567, k1: 0x89abcdef };
const CHUNK_BYTES = 256 * 1024;

const put = (store: InternedBytes, bytes: Uint8Array): number => {
  store.scratch.fill(0xff);
  store.scratch.set(bytes);
  return store.intern(bytes.length);
};

const get = (store: InternedBytes, id: number): Uint8Array => {
  const start = store.startOf(id);
  return store.bytesOf(id).slice(start, start + store.lengthOf(id));
};

test('equal bytes are one entry, others are not, and each comes back as it was', () => {
  const store = new InternedBytes(KEY, 100);
  const inputs = ['', '00', '0000', '00000000', '0000000000', 'ff', 'ffff', '01020304', '0102030405', '010203'];
  const bytes = inputs.map((text) => Uint8Array.from(Buffer.from(text, 'hex')));
  const ids = bytes.map((each) => put(store, each));
  assert.equal(new Set(ids).size, inputs.length);
  assert.ok(store.wasNew);
  for (const [i, id] of ids.entries()) {
    assert.equal(put(store, bytes[i]!), id);
    assert.ok(!store.wasNew);
    assert.deepEqual(get(store, id), bytes[i]);
    assert.equal(store.references(id), 2);
  }
  assert.equal(store.size, inputs.length);
});

test('an entry goes with its last reference, and its id is given again', () => {
  const store = new InternedBytes(KEY, 100);
  const first = put(store, Uint8Array.of(1));
  const other = put(store, Uint8Array.of(2));
  store.retain(first);
  assert.ok(!store.release(first));
  assert.deepEqual(get(store, first), Uint8Array.of(1));
  assert.ok(store.release(first));
  assert.equal(store.size, 1);
  const next = put(store, Uint8Array.of(3));
  assert.ok(store.wasNew);
  assert.equal(next, first);
  assert.equal(put(store, Uint8Array.of(2)), other);
  assert.notEqual(put(store, Uint8Array.of(1)), first);
});

/** What a Map would do, step by step; what is said of each step holds. */
const churn = (seed: number, steps: number, most: number, longest: number): InternedBytes => {
  const below = numbers(seed);
  const store = new InternedBytes(KEY, longest);
  const known = new Map<string, { id: number; references: number }>();
  const keys: string[] = [];
  for (let step = 0; step < steps; step++) {
    if (known.size < most && below(5) < 3) {
      const value = below(most * 2);
      const bytes = new Uint8Array(4 + (value % (longest - 3))).fill(value & 0xff);
      new DataView(bytes.buffer).setUint32(0, value);
      const key = Buffer.from(bytes.subarray(0, 4)).toString('hex');
      const id = put(store, bytes);
      const entry = known.get(key);
      assert.equal(store.wasNew, entry === undefined);
      if (entry === undefined) {
        known.set(key, { id, references: 1 });
        keys.push(key);
      } else {
        assert.equal(id, entry.id);
        entry.references++;
      }
    } else if (keys.length > 0) {
      const at = below(keys.length);
      const key = keys[at]!;
      const entry = known.get(key)!;
      const start = store.startOf(entry.id);
      assert.equal(Buffer.from(store.bytesOf(entry.id).subarray(start, start + 4)).toString('hex'), key);
      assert.equal(store.lengthOf(entry.id), 4 + (Number.parseInt(key, 16) % (longest - 3)));
      assert.equal(store.references(entry.id), entry.references);
      assert.equal(store.release(entry.id), entry.references === 1);
      if (--entry.references === 0) {
        known.delete(key);
        keys[at] = keys.at(-1)!;
        keys.pop();
      }
    }
    assert.equal(store.size, known.size);
  }
  const ids = new Set([...known.values()].map(({ id }) => id));
  assert.equal(ids.size, known.size);
  for (const [key, { id }] of known) {
    const start = store.startOf(id);
    assert.equal(Buffer.from(store.bytesOf(id).subarray(start, start + 4)).toString('hex'), key);
  }
  return store;
};

test('whatever comes and goes, in whatever order, it is what a map would hold', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 60 }), (seed, most) => {
      churn(seed, 300, most, 64);
    }),
    { numRuns: 20 },
  );
  // Long entries: chunks are filled, emptied and taken again.
  churn(7, 2500, 300, 4000);
  churn(8, 150, 12, MAX_INTERNED_BYTES);
});

test('holes are closed: memory stays within twice of what is kept, and a chunk', () => {
  const store = new InternedBytes(KEY, 1000);
  const bytes = new Uint8Array(1000);
  const view = new DataView(bytes.buffer);
  const kept: number[] = [];
  const empty = store.memory;
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < 2000; i++) {
      view.setUint32(0, round * 2000 + i);
      kept.push(put(store, bytes));
    }
    // All but each tenth go, in an order that leaves holes everywhere.
    for (let i = 0; i < kept.length; i++) if (i % 10 !== 0) store.release(kept[i]!);
    const rest = kept.filter((_, i) => i % 10 === 0);
    kept.length = 0;
    kept.push(...rest);
  }
  assert.equal(store.size, kept.length);
  const perId = 8 * store.capacity + 16 * 8192;
  assert.ok(store.memory - empty >= kept.length * 1008);
  assert.ok(store.memory - empty <= 2 * 2300 * 1008 + 2 * CHUNK_BYTES + perId, String(store.memory));
  for (const id of kept) store.release(id);
  assert.equal(store.size, 0);
});

test('what does not fit a chunk is refused at once', () => {
  assert.throws(() => new InternedBytes(KEY, MAX_INTERNED_BYTES + 1), RangeError);
  const store = new InternedBytes(KEY, MAX_INTERNED_BYTES);
  const long = put(store, new Uint8Array(MAX_INTERNED_BYTES).fill(9));
  const short = put(store, Uint8Array.of(1));
  const again = put(store, new Uint8Array(MAX_INTERNED_BYTES).fill(8));
  assert.ok(get(store, long).every((byte) => byte === 9) && get(store, again).every((byte) => byte === 8));
  assert.deepEqual(get(store, short), Uint8Array.of(1));
});

test('places depend on the key, and differ for words that differ anywhere', () => {
  const words = Int32Array.from({ length: 30 }, (_, i) => i);
  const of = (key: { k0: number; k1: number }, start = 0, end = 30): number => hashWords(words, start, end, key);
  const all = new Set([
    of(KEY),
    of({ ...KEY, k0: 1 }),
    of({ ...KEY, k1: 1 }),
    of(KEY, 0, 29),
    of(KEY, 1),
    of(KEY, 0, 0),
  ]);
  assert.equal(all.size, 6);
  const changed = new Set<number>();
  for (let i = 0; i < 30; i++) {
    for (let bit = 0; bit < 32; bit++) {
      words[i]! ^= 1 << bit;
      changed.add(of(KEY));
      words[i]! ^= 1 << bit;
    }
  }
  assert.ok(changed.size >= 958, String(changed.size));
  assert.ok(!changed.has(of(KEY)));
});
