import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../../contract.ts';
import { MeshError } from '../errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { Claims, TAKEOVER_US } from './claims.ts';
import { DigestTree, FANOUT, LEVELS, leafOf } from './digest-tree.ts';
import {
  checkKey,
  compareRecords,
  goneOf,
  type PresenceRecord,
  readKey,
  readPlace,
  writeKey,
  writePlace,
} from './record.ts';
import { GONE_US, PresenceTable } from './table.ts';

const record = (key: string, epoch = 1, member = 1): PresenceRecord => ({
  ...{ key, epoch, member, gone: false, data: new Uint8Array(1) },
});

/** Where a tree has anything: by level, the children that are not zero. */
const marked = (tree: DigestTree): [level: number, child: number][] => {
  const found: [number, number][] = [];
  for (let level = 0; level < LEVELS; level++) {
    for (let index = 0; index < FANOUT ** level; index++) {
      const children = tree.children(level, index);
      assert.equal(children.length, 2 * FANOUT);
      for (let child = 0; child < FANOUT; child++)
        if (children[2 * child] !== 0 || children[2 * child + 1] !== 0) found.push([level, FANOUT * index + child]);
    }
  }
  return found;
};

test('a record is in one child of each level, on the way to its leaf; taken out it leaves nothing', () => {
  const tree = new DigestTree();
  for (const key of ['red/phone', 'blue/laptop', 'x']) {
    tree.toggle(record(key));
    const leaf = leafOf(key);
    assert.ok(leaf >= 0 && leaf < FANOUT ** LEVELS);
    assert.deepEqual(
      marked(tree),
      Array.from({ length: LEVELS }, (_, level) => [level, leaf >>> (4 * (LEVELS - 1 - level))]),
    );
    tree.toggle(record(key));
    assert.deepEqual(marked(tree), []);
  }
});

test('sums tell records apart by each of key, epoch and member, in any order', () => {
  const sumOf = (...records: readonly PresenceRecord[]): string => {
    const tree = new DigestTree();
    for (const one of records) tree.toggle(one);
    const sum = new Int32Array(2);
    const root = tree.children(0, 0);
    for (let i = 0; i < root.length; i++) sum[i % 2] = (sum[i % 2] as number) ^ (root[i] as number);
    return `${sum[0]} ${sum[1]}`;
  };
  const seen = new Set<string>();
  let count = 0;
  for (const key of ['a', 'b', 'ab', 'ba', 'aa'])
    for (const epoch of [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 48 - 1])
      for (const member of [1, 2, 3, 256, 65_535]) {
        const one = record(key, epoch, member);
        seen.add(sumOf(one));
        count++;
      }
  assert.equal(seen.size, count, 'no two of one sum');
  const [a, b, c] = [record('a', 5, 1), record('b', 7, 2), record('a', 6, 2)] as const;
  assert.equal(sumOf(a, b, c), sumOf(c, a, b));
  assert.notEqual(sumOf(a, b), sumOf(a, c));
});

test('keys spread over all leaves', () => {
  const leaves = new Set<number>();
  for (let i = 0; i < 20_000; i++) leaves.add(leafOf(`tenant-${i % 7}/device-${i}`));
  // By chance 65,536 (1 - e^(-20,000 / 65,536)) = 17,240.
  assert.ok(leaves.size > 16_900, `${leaves.size}`);
});

test('the higher epoch counts, then the member, then who left', () => {
  const one = record('a', 5, 3);
  for (const [other, order] of [
    [record('a', 4, 9), 1],
    [record('a', 6, 1), -1],
    [record('a', 5, 2), 1],
    [record('a', 5, 4), -1],
    [goneOf(one), -1],
    [record('a', 5, 3), 0],
  ] as const) {
    assert.equal(Math.sign(compareRecords(one, other)), order);
    assert.equal(Math.sign(compareRecords(other, one)), order === 0 ? 0 : -order);
  }
  assert.deepEqual(goneOf(one), { key: 'a', epoch: 5, member: 3, gone: true, data: new Uint8Array() });
});

test('a key is 1 to 127 printable ASCII characters, as it is written and as it is read', () => {
  const read = (bytes: readonly number[], mayBeEmpty = false) =>
    readKey(new Reader(Uint8Array.from(bytes), 0, bytes.length), mayBeEmpty);
  for (const key of ['!', '~', 'a'.repeat(127)]) {
    checkKey(key);
    const out = new Writer(128);
    writeKey(out, key);
    assert.equal(read([...out.finish()]), key);
  }
  for (const key of ['', ' ', 'a b', 'ä', '\x7f', 'a'.repeat(128)]) assert.throws(() => checkKey(key), RangeError, key);
  const bad = [[0], [1, 0x20], [1, 0x7f], [2, 0x61], [128, ...new Array<number>(128).fill(0x61)], [1, 0xe4]];
  for (const bytes of bad) assert.throws(() => read(bytes), MeshError, bytes.join());
  assert.equal(read([0], true), '');
  const place = new Writer(8);
  writePlace(place, { epoch: 0x0102_0304_0506, member: 0x0708 });
  const bytes = place.finish();
  assert.deepEqual([...bytes], [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(readPlace(new Reader(bytes, 0, 8)), { epoch: 0x0102_0304_0506, member: 0x0708 });
  assert.throws(() => readPlace(new Reader(new Uint8Array(8), 0, 8)), /member 0/);
});

test('a table has as many records as it may; those of who left are forgotten in their time', () => {
  const table = new PresenceTable(2);
  assert.equal(table.deadline(), NEVER);
  assert.equal(table.apply(record('a'), 0), 'newer');
  assert.equal(table.apply(record('a'), 0), 'same');
  assert.equal(table.apply(record('a', 0), 0), 'older');
  assert.equal(table.apply(record('b'), 0), 'newer');
  assert.equal(table.apply(record('c'), 0), 'full');
  assert.equal(table.apply(record('b', 2), 0), 'newer', 'one that is there');
  assert.deepEqual(table.ofLeaf(leafOf('b')), [record('b', 2)]);
  assert.equal(table.apply(goneOf(record('a', 3)), 10), 'newer');
  assert.deepEqual([table.size, table.goneCount, [...table.present()].length], [2, 1, 1]);
  assert.deepEqual(table.ofLeaf(leafOf('a')), []);
  assert.equal(table.deadline(), 10 + GONE_US);
  table.expire(9 + GONE_US);
  assert.equal(table.size, 2);
  table.expire(10 + GONE_US);
  assert.deepEqual([table.size, table.goneCount, table.get('a')], [1, 0, undefined]);
  assert.equal(table.apply(goneOf(record('b', 2)), 0), 'newer');
  assert.equal(table.apply(record('b', 3), 0), 'newer', 'it is back');
  assert.deepEqual([table.goneCount, table.deadline()], [0, NEVER]);
  table.remove('nobody');
  table.remove('b');
  assert.deepEqual(marked(table.tree), []);
});

test('claims: asked again each 100 ms, over when all have stopped or are dead, or after half a second', () => {
  const claims = new Claims();
  assert.equal(claims.deadline(), NEVER);
  claims.open('a', 7, new Set([2, 3]), 1000);
  claims.open('b', 9, new Set([3]), 2000);
  assert.deepEqual(
    [claims.size, claims.has('a'), claims.asks('a', 2), claims.asks('a', 4), claims.asks('c', 2)],
    [2, true, true, false, false],
  );
  assert.equal(claims.deadline(), 101_000);
  assert.deepEqual([...claims.again(100_999)], []);
  assert.deepEqual(
    [...claims.again(101_000)],
    [
      { key: 'a', member: 2 },
      { key: 'a', member: 3 },
    ],
  );
  assert.deepEqual([...claims.again(101_999)], [], 'and not at once again');
  assert.equal(claims.confirmed('a', 2, 6), undefined, 'of an earlier epoch');
  assert.equal(claims.asks('a', 2), true);
  assert.equal(claims.confirmed('a', 2, 7), undefined, 'there is another');
  assert.equal(claims.confirmed('a', 2, 7), undefined, 'twice');
  assert.equal(claims.confirmed('nobody', 2, 7), undefined);
  assert.equal(claims.confirmed('a', 3, 8), 7);
  assert.equal(claims.has('a'), false);
  assert.deepEqual([...claims.freed(2)], []);
  assert.deepEqual([...claims.expired(2000 + TAKEOVER_US - 1)], []);
  claims.open('c', 1, new Set([3, 4]), 3000);
  assert.deepEqual([...claims.freed(3)], [{ key: 'b', epoch: 9 }]);
  assert.deepEqual([...claims.expired(3000 + TAKEOVER_US)], [{ key: 'c', epoch: 1 }]);
  claims.open('d', 1, new Set([3]), 0);
  claims.close('d');
  assert.deepEqual([claims.size, claims.deadline()], [0, NEVER]);
});
