import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isRoot } from '#scripts/setup/paths.mjs';
import { native } from '../native.ts';
import { possibleCpus } from './map.ts';
import { BpfObject } from './object.ts';
import { record } from './record.ts';

const skip = isRoot ? false : 'programs are loaded by root';
const FILE = readFileSync(new URL('../../../bpf/gen/front.o', import.meta.url));

test('elements of a map: one by one, many at once, all of them', { skip }, (t) => {
  const object = BpfObject.load(FILE, 'front');
  const map = object.map('listed_addresses');
  t.after(() => map.close());
  object.close();
  assert.deepEqual([map.keyBytes, map.valueBytes, map.most], [4, 4, 131_072]);
  const key = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer);
  const value = new Uint8Array(4);
  assert.equal(map.lookup(key(1), value), false);
  map.update(key(1), key(7));
  assert.ok(map.lookup(key(1), value));
  assert.deepEqual(value, key(7));
  assert.throws(() => map.update(key(1), key(8), 1), { code: 'EEXIST' });
  assert.throws(() => map.update(key(2), key(8), 2), { code: 'ENOENT' });
  assert.ok(map.delete(key(1)));
  assert.equal(map.delete(key(1)), false);
  const count = 20_000;
  const keys = new Uint32Array(count).map((_, i) => i);
  const values = new Uint32Array(count).map((_, i) => 3 * i);
  map.updateAll(new Uint8Array(keys.buffer), new Uint8Array(values.buffer), count);
  const seen = new Map<number, number>();
  map.each((k, v) => seen.set(new DataView(k.buffer, k.byteOffset).getUint32(0, true), v[0] as number));
  assert.equal(seen.size, count);
  assert.equal(seen.get(5), 15);
  map.deleteAll(new Uint8Array(keys.buffer), count);
  map.each(() => assert.fail('nothing is left'));
  assert.throws(() => map.update(new Uint8Array(3), key(1)), {
    name: 'RangeError',
    message: 'keys has room for 3 of 4',
  });
  assert.throws(() => map.lookup(key(1), new Uint8Array(3)), { name: 'RangeError' });
});

test('each CPU has its own value, and memory of an array is the array', { skip }, (t) => {
  const object = BpfObject.load(FILE, 'front');
  const [counts, cells] = [object.map('counts'), object.map('list_cells')];
  t.after(() => {
    counts.close();
    cells.close();
  });
  object.close();
  assert.equal(counts.valueBytes, 16 * possibleCpus());
  const memory = new Uint8Array(cells.memory());
  assert.equal(memory.length, 2 ** 24);
  memory[2 ** 16 + 5] = 9;
  const value = new Uint8Array(cells.valueBytes);
  assert.ok(cells.lookup(Uint8Array.of(1, 0, 0, 0), value));
  assert.equal(value[5], 9);
  assert.throws(() => object.map('counts'), { code: 'ERR_CLOSED' });
});

test('a ring is mapped, and what is none is not', { skip }, (t) => {
  const object = BpfObject.load(FILE, 'front');
  const [samples, counts] = [object.map('samples'), object.map('counts')];
  t.after(() => {
    samples.close();
    counts.close();
  });
  object.close();
  const { consumer, producer } = samples.ring();
  assert.equal(producer.byteLength - consumer.byteLength, 2 * samples.most);
  assert.deepEqual(new Uint8Array(consumer, 0, 8), new Uint8Array(8));
  assert.throws(() => counts.ring(), { name: 'RangeError', message: /is no ring/ });
});

test('what is no object, and what the verifier refuses, is said with its reason', { skip }, () => {
  assert.throws(() => BpfObject.load(new Uint8Array(100), 'none'), { code: 'ERR_BPF', message: /no BPF object/ });
  assert.throws(() => BpfObject.load(FILE, 'front', { most: { none: 1 } }), { name: 'RangeError' });
  assert.throws(() => BpfObject.load(FILE, 'front', { constants: new Uint8Array(3) }), { code: 'ERR_BPF' });
  for (let length = 0; length < FILE.length; length += 997)
    assert.throws(() => BpfObject.load(FILE.subarray(0, length), 'front'), { code: 'ERR_BPF' });
});

test('a map that is closed is no map; what is no map is none', { skip }, () => {
  const object = BpfObject.load(FILE, 'front');
  const map = object.map('counts');
  map.close();
  map.close();
  assert.throws(() => map.lookup(new Uint8Array(4), new Uint8Array(4096)), { code: 'ERR_CLOSED' });
  const program = object.program('front');
  assert.ok(program.info().instructions > 100);
  assert.throws(() => native.bpfMapOpen(1_000_000, 1), { code: 'EBADF' });
  closeSync(program.descriptor);
  object.close();
  object.close();
});

test('records are laid out as their places say', () => {
  const Sample = record(24, {
    byte: { at: 0, width: 1 },
    port: { at: 2, width: 2, isBig: true },
    count: { at: 8, width: 8 },
    address: { at: 16, bytes: 4 },
  });
  const bytes = Sample.encode({ byte: 1, port: 443, count: 2 ** 40, address: Uint8Array.of(1, 2) });
  assert.deepEqual([...bytes], [1, 0, 1, 187, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(Sample.read(bytes), { byte: 1, port: 443, count: 2 ** 40, address: Uint8Array.of(1, 2, 0, 0) });
  assert.throws(() => Sample.encode({ address: new Uint8Array(5) }), {
    name: 'RangeError',
    message: 'address: 5 bytes of 4',
  });
});
