import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { DEFAULT_ENDPOINT_CONFIG } from '../config.ts';
import { testCryptoPort } from '../testing/crypto-port.ts';
import { address } from '../testing/pair.ts';
import { Tokens } from './tokens.ts';

const config = { ...DEFAULT_ENDPOINT_CONFIG, retryTokenUs: 1000, newTokenUs: 50_000 };
const tokens = (key = 1) => new Tokens(testCryptoPort(), new Uint8Array(32).fill(key), config);
const cid = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const original = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
const client = address(2, 4000);

describe('tokens', () => {
  const retry = tokens().retry(client, 0, cid, original, 100);
  const fresh = tokens().newToken(client, 0, new Uint8Array(8), 100);

  it('of a Retry tell the original connection ID to whoever comes from the same place in time', () => {
    assert.deepEqual(tokens().verify(retry, client, 0, cid, 1100), { kind: 'retry', originalDcid: original });
  });

  const bad: readonly (readonly [string, Int32Array, Uint8Array, number, number])[] = [
    ['from another port', address(2, 4001), cid, 200, 1],
    ['from another address', address(3, 4000), cid, 200, 1],
    ['for another connection ID', client, original, 200, 1],
    ['too late', client, cid, 1101, 1],
    ['sealed by another key', client, cid, 200, 2],
  ];
  for (const [what, from, dcid, now, key] of bad) {
    it(`of a Retry are invalid ${what}`, () => {
      assert.deepEqual(tokens(key).verify(retry, from, 0, dcid, now), { kind: 'invalid' });
    });
  }

  it('of NEW_TOKEN are good from any port of the same address, for a while', () => {
    assert.deepEqual(tokens().verify(fresh, address(2, 9), 0, original, 50_000), { kind: 'new-token' });
    assert.deepEqual(tokens().verify(fresh, address(3, 4000), 0, original, 200), { kind: 'none' });
    assert.deepEqual(tokens().verify(fresh, client, 0, original, 60_000), { kind: 'none' });
  });

  it('are bound to every byte of an address, to the family, and those of a Retry to the port too', () => {
    const from = (words: readonly number[]): Int32Array => Int32Array.from([0x7777, ...words]);
    const words = [6 | (4000 << 16), 0, 0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10];
    const kinds = (at: Int32Array): string[] => {
      const made = tokens();
      return [
        made.verify(made.retry(from(words), 1, cid, original, 100), at, 1, cid, 200).kind,
        made.verify(made.newToken(from(words), 1, new Uint8Array(8), 100), at, 1, cid, 200).kind,
      ];
    };
    assert.deepEqual(kinds(from(words)), ['retry', 'new-token']);
    for (let word = 2; word < 6; word++) {
      for (let bit = 0; bit < 32; bit++) {
        const other = words.map((value, i) => (i === word ? value ^ (1 << bit) : value));
        assert.deepEqual(kinds(from(other)), ['invalid', 'none'], `word ${word}, bit ${bit}`);
      }
    }
    for (let bit = 16; bit < 32; bit++) {
      assert.deepEqual(kinds(from([(words[0] as number) ^ (1 << bit), ...words.slice(1)])), ['invalid', 'new-token']);
    }
    assert.deepEqual(kinds(from([4 | (4000 << 16), ...words.slice(1)])), ['invalid', 'none'], 'another family');
  });

  it('keep their time to the microsecond, however long the clock has run', () => {
    for (const start of [0, 255, 256, 65_535, 2 ** 32, 2 ** 48 + 12_345]) {
      const made = tokens();
      const token = made.retry(client, 0, cid, original, start);
      for (const [now, kind] of [
        [start, 'retry'],
        [start + 1000, 'retry'],
        [start + 1001, 'invalid'],
        [start - 1000, 'retry'],
        [start - 1001, 'invalid'],
      ] as const) {
        assert.equal(made.verify(token, client, 0, cid, now).kind, kind, `${start} ${now}`);
      }
    }
    assert.equal(tokens().verify(tokens().retry(client, 0, cid, original, -5), client, 0, cid, 0).kind, 'retry');
  });

  it('count from the clock that servers share', () => {
    const at = (tokenTimeOffsetUs: number) =>
      new Tokens(testCryptoPort(), new Uint8Array(32).fill(1), { ...config, tokenTimeOffsetUs });
    const [early, late] = [at(0), at(1_000_000)];
    assert.equal(early.verify(late.retry(client, 0, cid, original, 100), client, 0, cid, 1_000_100).kind, 'retry');
    assert.equal(late.verify(early.retry(client, 0, cid, original, 1_000_100), client, 0, cid, 100).kind, 'retry');
    assert.equal(
      late.verify(early.newToken(client, 0, new Uint8Array(8), 1_000_100), client, 0, cid, 100).kind,
      'new-token',
    );
    assert.equal(late.verify(early.retry(client, 0, cid, original, 100), client, 0, cid, 100).kind, 'invalid');
  });

  it('of a Retry are for one connection ID of any length, and give back the first one', () => {
    for (const length of [0, 1, 8, 20]) {
      const [id, first] = [new Uint8Array(length).fill(3), new Uint8Array(20 - length).fill(4)];
      const token = tokens().retry(client, 0, id, first, 100);
      assert.equal(token[0], 1);
      assert.deepEqual(tokens().verify(token, client, 0, id, 200), { kind: 'retry', originalDcid: first });
      assert.equal(tokens().verify(token, client, 0, Uint8Array.of(...id, 3), 200).kind, 'invalid');
    }
    assert.equal(fresh[0], 2);
  });

  it('of one kind are none of the other, not even where both are bound to the same', () => {
    const nobody = address(2, 0);
    const kindOf = (token: Uint8Array, kind: number): string => {
      token[0] = kind;
      return tokens().verify(token, nobody, 0, new Uint8Array(), 200).kind;
    };
    const [one, other] = [
      tokens().retry(nobody, 0, new Uint8Array(), original, 100),
      tokens().newToken(nobody, 0, new Uint8Array(8), 100),
    ];
    assert.deepEqual([kindOf(one, 1), kindOf(other, 2)], ['retry', 'new-token']);
    assert.deepEqual([kindOf(one, 2), kindOf(other, 1)], ['none', 'invalid']);
  });

  it('of NEW_TOKEN differ from each other', () => {
    const other = tokens().newToken(client, 0, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 100);
    assert.notDeepEqual(other, fresh);
  });

  it('of the corpus, and what is made of it and of good ones, open nothing', () => {
    const corpus = readCorpus<string>(new URL('testing/corpus/tokens.json', import.meta.url));
    const kindOf = (token: Uint8Array): string => tokens().verify(token, client, 0, cid, 200).kind;
    for (const { name, bytes, expect } of corpus) assert.equal(kindOf(bytes), expect, name);
    const good = [retry, fresh].map((bytes) => ({ name: 'good', bytes, expect: '' }));
    survive([...corpus, ...good], (bytes) => {
      const isGood = good.some((one) => Buffer.compare(one.bytes, bytes) === 0);
      if (!isGood) assert.ok(['none', 'invalid'].includes(kindOf(bytes)));
    });
  });

  it('of neither kind, cut or changed ones say nothing', () => {
    assert.deepEqual(tokens().verify(new Uint8Array(), client, 0, cid, 200), { kind: 'none' });
    assert.deepEqual(tokens().verify(Uint8Array.of(7, 7, 7), client, 0, cid, 200), { kind: 'none' });
    for (let length = 1; length < retry.length; length++) {
      assert.notEqual(tokens().verify(retry.subarray(0, length), client, 0, cid, 200).kind, 'retry');
      assert.equal(tokens().verify(fresh.subarray(0, length), client, 0, cid, 200).kind, 'none');
    }
  });

  it('are good in the version of QUIC only that they were given in (RFC 9369 §5)', () => {
    const v2 = 0x6b3343cf;
    const made = tokens();
    const kinds = (token: Uint8Array) =>
      [1, v2].map((version) => made.verify(token, client, 0, cid, 200, version).kind);
    assert.deepEqual(kinds(made.newToken(client, 0, new Uint8Array(8), 100)), ['new-token', 'none']);
    assert.deepEqual(kinds(made.newToken(client, 0, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 100, v2)), [
      'none',
      'new-token',
    ]);
    assert.deepEqual(kinds(made.retry(client, 0, cid, original, 100)), ['retry', 'invalid']);
    assert.deepEqual(kinds(made.retry(client, 0, cid, original, 100, v2)), ['invalid', 'retry']);
  });
});
