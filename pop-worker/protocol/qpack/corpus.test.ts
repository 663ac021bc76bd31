import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { DecoderStreamReader } from './decoder-stream.ts';
import { DynamicTable } from './dynamic-table.ts';
import { EncoderStreamReader } from './encoder-stream.ts';
import { decoderStreamError, QpackError, QpackErrorCode } from './errors.ts';
import { type Fields, fieldSectionBytes } from './field.ts';
import { decodeHuffman, encodeHuffman, huffmanBytes } from './huffman.ts';
import { IntegerReader } from './integer.ts';
import { DEFAULT_FIELD_LIMITS, FieldSectionDecoder } from './section-decoder.ts';
import { hex } from './testing/hex.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));

/** RFC 9204 §B.2 and §B.3: three entries. */
const INSERTS =
  '3fbd01 c00f7777772e6578616d706c652e636f6d c10c2f73616d706c652f70617468 4a637573746f6d2d6b65790c637573746f6d2d76616c7565';

const table = new DynamicTable(220);
const inserts = hex(INSERTS);
new EncoderStreamReader(table).push(inserts, 0, inserts.length);
const decoder = new FieldSectionDecoder(DEFAULT_FIELD_LIMITS, table);

/** In the middle of other bytes, which must not matter. @returns fields, 'blocked', 'too large' or 'failed' */
const decode = (bytes: Uint8Array): Fields | 'blocked' | 'failed' | 'too large' => {
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

test('field sections made of the corpus: within the limits, too large, blocked or QPACK_DECOMPRESSION_FAILED', () => {
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

/** Tells 'fine' or the code of the error; the same however the bytes are cut, `check` after each piece. */
const feed = (
  reader: { push(buffer: Uint8Array, start: number, end: number): void },
  bytes: Uint8Array,
  step: number,
  check: () => void = () => {},
): number | 'fine' => {
  try {
    for (let at = 0; at < bytes.length; at += step) {
      reader.push(bytes, at, Math.min(bytes.length, at + step));
      check();
    }
    return 'fine';
  } catch (error) {
    assert.ok(error instanceof QpackError && error.fault === 'remote', String(error));
    return error.code;
  }
};

/** A table of 220 bytes and what comes to be in it. */
const readEncoderStream = (bytes: Uint8Array, step: number) => {
  const table = new DynamicTable(220);
  const outcome = feed(new EncoderStreamReader(table), bytes, step, () => {
    assert.ok(table.size <= table.capacity && table.capacity <= 220);
  });
  const entries = [];
  for (let index = table.oldest; index < table.inserted; index++) entries.push(table.get(index));
  return { outcome, inserted: table.inserted, entries };
};

test('encoder-stream: the same however it is cut, no error but its own, never more than the table holds', () => {
  for (const { name, bytes, expect } of corpus<number | string[]>('encoder-stream')) {
    const { outcome, entries } = readEncoderStream(bytes, 100);
    const short = entries.map((entry) => `${entry?.name}: ${entry?.value}`);
    assert.deepEqual(outcome === 'fine' ? short : outcome, expect, name);
  }
  survive(corpus('encoder-stream'), (bytes) => {
    const whole = readEncoderStream(bytes, bytes.length + 1);
    assert.ok(whole.outcome === 'fine' || whole.outcome === QpackErrorCode.encoderStreamError, String(whole.outcome));
    assert.deepEqual(readEncoderStream(bytes, 1), whole);
  });
});

/** An encoder with a section on its way on stream 4, and three entries of which the peer has told nothing. */
const readDecoderStream = (bytes: Uint8Array, step: number) => {
  const events: string[] = [];
  const sections = new Set([4]);
  let unknown = 3;
  const outcome = feed(
    new DecoderStreamReader({
      sectionAcknowledged: (stream) => {
        if (!sections.delete(stream)) throw decoderStreamError('no section');
        events.push(`acknowledged ${stream}`);
      },
      streamCancelled: (stream) => {
        sections.delete(stream);
        events.push(`cancelled ${stream}`);
      },
      insertsReceived: (increment) => {
        if (increment === 0 || increment > unknown) throw decoderStreamError('no such increment');
        unknown -= increment;
        events.push(`increment ${increment}`);
      },
    }),
    bytes,
    step,
  );
  return { outcome, events };
};

test('decoder-stream: the same however it is cut, no error but its own', () => {
  for (const { name, bytes, expect } of corpus<number | string[]>('decoder-stream')) {
    const { outcome, events } = readDecoderStream(bytes, 100);
    assert.deepEqual(outcome === 'fine' ? events : outcome, expect, name);
  }
  survive(corpus('decoder-stream'), (bytes) => {
    const whole = readDecoderStream(bytes, bytes.length + 1);
    assert.ok(whole.outcome === 'fine' || whole.outcome === QpackErrorCode.decoderStreamError, String(whole.outcome));
    assert.deepEqual(readDecoderStream(bytes, 1), whole);
  });
});
