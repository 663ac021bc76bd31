import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Framing, putLength } from './framing.ts';

const framed = (message: Uint8Array): Uint8Array => {
  const out = new Uint8Array(2 + message.length);
  putLength(out, 0, message.length);
  out.set(message, 2);
  return out;
};

/** Cuts bytes at these places. */
const pieces = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
};

test('messages come out whole, wherever a stream is cut', () => {
  const message = fc.uint8Array({ minLength: 12, maxLength: 600 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(4000), { maxLength: 20 }), (messages, cuts) => {
      const stream = Uint8Array.from(messages.flatMap((one) => [...framed(one)]));
      const framing = new Framing();
      const seen: Uint8Array[] = [];
      for (const piece of pieces(stream, cuts)) {
        assert.ok(framing.take(piece, piece.length, (one) => seen.push(one.slice()) > 0));
      }
      assert.deepEqual(seen, messages);
      assert.equal(framing.isMidway, false);
    }),
  );
});

test('a length that no query has ends it; from 12 to 4,096 bytes are waited for', () => {
  const taken = (length: number): boolean =>
    new Framing().take(Uint8Array.of(length >> 8, length & 0xff, 0), 3, () => true);
  for (const length of [12, 4096]) assert.ok(taken(length), `${length}`);
  for (const length of [0, 11, 4097, 65_535]) assert.ok(!taken(length), `${length}`);
  const longest = framed(new Uint8Array(4096).fill(7));
  let size = 0;
  const framing = new Framing();
  for (let at = 0; at < longest.length; at += 1000) {
    const piece = longest.subarray(at, at + 1000);
    framing.take(piece, piece.length, (message) => {
      size = message.length;
      return true;
    });
    assert.equal(framing.isMidway, at + 1000 < longest.length);
  }
  assert.equal(size, 4096);
});

test('nothing more is read once nothing more is wanted', () => {
  const two = Uint8Array.from([...framed(new Uint8Array(12)), ...framed(new Uint8Array(12))]);
  let count = 0;
  assert.ok(
    new Framing().take(two, two.length, () => {
      count++;
      return false;
    }),
  );
  assert.equal(count, 1);
});
