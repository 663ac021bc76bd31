import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { Cookies } from './cookies.ts';
import { Framing } from './framing.ts';
import { RateLimit } from './rate-limit.ts';
import { MOST_RESPONSE_BYTES, Responder, type Transport } from './responder.ts';
import { readResponse, type Seen } from './testing/message.ts';
import { ZONE } from './testing/zone.ts';

const corpus = readCorpus<string>(new URL('testing/corpus/queries.json', import.meta.url));
const KEY = new Uint8Array(16);
const DEFENCE = { cookies: new Cookies(KEY), limit: new RateLimit(KEY, 0) };
const FROM = Uint8Array.of(192, 0, 2, 99);

/** @returns undefined: there was no response */
const ask = (bytes: Uint8Array, transport: Transport = 'udp'): Seen | undefined => {
  const out = new Uint8Array(MOST_RESPONSE_BYTES);
  const size = new Responder([ZONE], DEFENCE).answer(bytes, bytes.length, FROM, transport, 0, out);
  return size === 0 ? undefined : readResponse(out.subarray(0, size));
};

test('queries', () => {
  for (const { name, bytes, expect } of corpus) assert.equal(ask(bytes)?.rcode ?? 'silence', expect, name);
});

test('a query that is cut anywhere is malformed, or of no one', () => {
  for (const { bytes, expect } of corpus) {
    if (expect === 'silence' || expect === 'notImp') continue;
    for (let end = 0; end < bytes.length; end++) {
      assert.equal(ask(bytes.slice(0, end))?.rcode ?? 'silence', end < 12 ? 'silence' : 'formErr');
    }
  }
});

test('whatever is asked, a response is whole, no longer than was allowed, and of the query', () => {
  const responder = new Responder([ZONE], DEFENCE);
  const out = new Uint8Array(MOST_RESPONSE_BYTES);
  survive(corpus, (bytes) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const size = responder.answer(bytes, bytes.length, FROM, transport, 0, out);
      if (size === 0) {
        assert.ok(bytes.length < 12 || ((bytes[2] as number) & 0x80) !== 0);
        continue;
      }
      assert.ok(size <= (transport === 'udp' ? 1232 : MOST_RESPONSE_BYTES));
      const seen = readResponse(out.subarray(0, size));
      assert.equal(seen.id, ((bytes[0] as number) << 8) | (bytes[1] as number));
      // A response, of the same opcode, and recursion is desired or not as before.
      assert.equal(seen.flags & 0xf900, (((bytes[2] as number) << 8) & 0x7900) | 0x8000);
      if (seen.edns === undefined) assert.ok(transport === 'tcp' || size <= 512);
    }
  });
});

test('whatever comes by TCP is messages wherever it is cut, or the end of the connection', () => {
  const framed = corpus
    .filter(({ bytes }) => bytes.length > 0)
    .map((one) => ({ ...one, bytes: Uint8Array.of(one.bytes.length >>> 8, one.bytes.length, ...one.bytes) }));
  survive(framed, (bytes) => {
    const seen = [1, 7, bytes.length].map((size) => {
      const framing = new Framing();
      const messages: string[] = [];
      let isDns = true;
      for (let at = 0; isDns && at < bytes.length; at += Math.max(1, size)) {
        const piece = bytes.subarray(at, at + size);
        isDns = framing.take(piece, piece.length, (message) => messages.push(Buffer.from(message).toString('hex')) > 0);
      }
      return { isDns, messages, isMidway: isDns && framing.isMidway };
    });
    assert.deepEqual(seen[0], seen[2]);
    assert.deepEqual(seen[1], seen[2]);
    // Two bytes of length before each message; what is waited for is less than the longest query.
    const taken = seen[0]?.messages.reduce((sum, { length }) => sum + 2 + length / 2, 0) ?? 0;
    assert.ok(taken <= bytes.length && (seen[0]?.isDns === false || bytes.length - taken < 2 + 4096));
  });
});
