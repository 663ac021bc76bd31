import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { DEFAULT_FIELD_LIMITS, FieldSectionDecoder } from './decoder.ts';
import { QpackError, QpackErrorCode } from './errors.ts';
import { type Fields, fieldSectionBytes } from './field.ts';
import { decodeHuffman, encodeHuffman, huffmanBytes } from './huffman.ts';
import { DecoderStreamReader, EncoderStreamReader } from './instructions.ts';
import { IntegerReader } from './integer.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));

const decoder = new FieldSectionDecoder();

/** In the middle of other bytes, which must not matter. @returns fields, 'too large' or 'failed' */
const decode = (bytes: Uint8Array): Fields | 'failed' | 'too large' => {
  const buffer = new Uint8Array(bytes.length + 20).fill(0xc1);
  buffer.set(bytes, 7);
  try {
    return decoder.decode(buffer, 7, 7 + bytes.length) ?? 'too large';
  } catch (error) {
    assert.ok(error instanceof QpackError && error.fault === 'remote', String(error));
    assert.equal(error.code, QpackErrorCode.decompressionFailed);
    return 'failed';
  }
};

test('field sections', () => {
  for (const { name, bytes, expect } of corpus<string | string[][]>('field-sections')) {
    const found = decode(bytes);
    const short =
      typeof found === 'string' ? found : found.map((f) => [f.name, f.value, ...(f.sensitive ? ['sensitive'] : [])]);
    assert.deepEqual(expect === '128 fields' ? `${short.length} fields` : short, expect, name);
  }
});

test('field sections made of the corpus: within the limits, too large, or QPACK_DECOMPRESSION_FAILED', () => {
  survive(corpus('field-sections'), (bytes) => {
    const found = decode(bytes);
    if (typeof found === 'string') return;
    assert.ok(fieldSectionBytes(found) <= DEFAULT_FIELD_LIMITS.sectionBytes);
    assert.ok(found.length <= DEFAULT_FIELD_LIMITS.fields);
  });
});

/** With a prefix of five bits. */
const readInteger = (bytes: Uint8Array): number | 'more' | 'error' => {
  const reader = new IntegerReader();
  const [first = 0, ...rest] = bytes;
  if (reader.begin(first, 5)) return reader.value;
  for (const byte of rest) {
    const state = reader.push(byte);
    if (state !== 0) return state === 1 ? reader.value : 'error';
  }
  return 'more';
};

test('integers', () => {
  for (const { name, bytes, expect } of corpus('integers')) assert.equal(readInteger(bytes), expect, name);
  survive(corpus('integers'), (bytes) => {
    const value = readInteger(bytes);
    if (typeof value === 'number') assert.ok(value >= 0 && value <= 2 ** 62);
  });
});

const ROOM = 8;

const readHuffman = (bytes: Uint8Array, room: number): string => {
  const out = new Uint8Array(room);
  const written = decodeHuffman(bytes, 0, bytes.length, out);
  assert.ok(written >= -2 && written <= room);
  return written === -1
    ? 'invalid'
    : written === -2
      ? 'too large'
      : Buffer.from(out.subarray(0, written)).toString('latin1');
};

test('Huffman coding', () => {
  for (const { name, bytes, expect } of corpus('huffman')) {
    assert.equal(readHuffman(bytes, expect === 'too large' ? ROOM - 1 : 100), expect, name);
  }
  survive(corpus('huffman'), (bytes) => {
    const text = readHuffman(bytes, 5000 * 2);
    if (text === 'invalid') return;
    const again = new Uint8Array(huffmanBytes(text));
    encodeHuffman(text, again, 0);
    assert.deepEqual(again, bytes);
  });
});

for (const [what, make, code] of [
  ['encoder-stream', () => new EncoderStreamReader(), QpackErrorCode.encoderStreamError],
  ['decoder-stream', () => new DecoderStreamReader(), QpackErrorCode.decoderStreamError],
] as const) {
  const feed = (bytes: Uint8Array, step: number): number | 'fine' => {
    const reader = make();
    try {
      for (let at = 0; at < bytes.length; at += step) reader.push(bytes, at, Math.min(bytes.length, at + step));
      return 'fine';
    } catch (error) {
      assert.ok(error instanceof QpackError && error.fault === 'remote', String(error));
      return error.code;
    }
  };
  test(`${what}: the same however it is cut, and no error but its own`, () => {
    for (const { name, bytes, expect } of corpus(what)) assert.equal(feed(bytes, 100), expect, name);
    survive(corpus(what), (bytes) => {
      const whole = feed(bytes, bytes.length + 1);
      assert.ok(whole === 'fine' || whole === code, String(whole));
      assert.equal(feed(bytes, 1), whole);
    });
  });
}
