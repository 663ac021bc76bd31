import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TAG_BYTES } from '#protocol/quic/ports.ts';
import { ADDRESS_WORDS } from '../address.ts';
import {
  addressedBytes,
  ecnOf,
  familyOf,
  HEADER_BYTES,
  isPacket,
  keyIdOf,
  Part,
  partOf,
  readAddresses,
  threadOf,
  workerOf,
  writeAddressed,
  writeHeader,
  writeSecond,
} from './format.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const header = (...[worker, thread, keyId, phase, number]: [number, number, number, 0 | 1, number]): string => {
  const buffer = new Uint8Array(HEADER_BYTES + 4).fill(0xee);
  writeHeader(buffer, 2, worker, thread, keyId, phase, number);
  return hex(buffer);
};

test('a header lies as SPEC.md draws it: first byte, version, worker, thread, key, number', () => {
  assert.equal(header(0x1234, 63, 0x89abcdef, 0, 0x01020304), 'eeee430112343f89abcdef01020304eeee');
  assert.equal(header(0xffff, 0, 1, 1, 0x1_0000_0002), 'eeee4701ffff000000000100000002eeee', 'the lower half');
});

test('a header is read as it was written, whatever lies around it', () => {
  const buffer = bytesOf('ee 43 01 fedc 3f 89abcdef 01020304 00 ee');
  assert.equal(workerOf(buffer, 1), 0xfedc);
  assert.equal(threadOf(buffer, 1), 63);
  assert.equal(keyIdOf(buffer, 1), 0x89abcdef, 'no sign');
  assert.equal(keyIdOf(bytesOf('4301000100 00010203'), 0), 0x010203);
});

test('a packet has a byte at least between header and tag, a short form and our version', () => {
  const shortest = new Uint8Array(HEADER_BYTES + TAG_BYTES + 1);
  shortest.set([0x43, 1]);
  const is = (bytes: Uint8Array, end = bytes.length): boolean => isPacket(bytes, 0, end, TAG_BYTES);
  assert.equal(is(shortest), true);
  assert.equal(is(shortest, shortest.length - 1), false);
  assert.equal(is(shortest.with(0, 0x5f)), true, 'bits that are masked');
  for (const first of [0xc3, 0x03, 0x63]) assert.equal(is(shortest.with(0, first)), false, `${first}`);
  assert.equal(is(shortest.with(1, 2)), false);
});

/** @returns address words: family, port, and the bytes of the address */
const words = (family: 4 | 6, port: number, bytes: string): Int32Array => {
  const found = new Int32Array(ADDRESS_WORDS);
  found[0] = family | (port << 16);
  new Uint8Array(found.buffer).set(bytesOf(bytes), 8);
  return found;
};

for (const [family, ecn, remote, local, written] of [
  [4, 2, 'c6336407', 'c0000201', '10 8451 01bb c6336407 c0000201'],
  [
    ...([6, 3] as const),
    ...['20010db8000000000000000000000007', '20010db8000a00000000000000000001'],
    '1d 8451 01bb 20010db8000000000000000000000007 20010db8000a00000000000000000001',
  ],
] as [4 | 6, number, string, string, string][]) {
  test(`what stands before a datagram of IPv${family} is as SPEC.md draws it, and reads as it was`, () => {
    const both = Int32Array.from([...words(family, 0x8451, remote), ...words(family, 443, local)]);
    const part = family === 4 ? Part.whole : Part.first;
    const buffer = new Uint8Array(60).fill(0xee);
    assert.equal(writeAddressed(buffer, 1, part, ecn, both, 0, ADDRESS_WORDS, 0), 1 + addressedBytes(family));
    const bytes = bytesOf(written);
    assert.equal(hex(buffer.subarray(1, 1 + bytes.length)), hex(bytes));
    assert.equal(buffer[1 + bytes.length], 0xee);
    const kind = bytes[0] as number;
    assert.deepEqual([partOf(kind), familyOf(kind), ecnOf(kind)], [part, family, ecn]);
    // Over what another datagram left there.
    const read = new Int32Array(2 * ADDRESS_WORDS).fill(-1);
    readAddresses(buffer, 1, read, 0, ADDRESS_WORDS);
    assert.deepEqual(read, both);
  });
}

test('a second part is one byte, and none other is one; an answer has a kind of its own', () => {
  const buffer = new Uint8Array(3);
  assert.equal(writeSecond(buffer, 1), 2);
  assert.deepEqual([...buffer], [0, 2, 0]);
  for (let kind = 0; kind < 256; kind++) {
    const low = kind & 3;
    // Whole ones and first parts may be asked about.
    const isGood = kind < 64 && (low < 2 || kind === low);
    assert.equal(partOf(kind), isGood ? low : undefined, `${kind}`);
  }
});
