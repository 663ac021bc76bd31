import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { Bench } from './testing/cache.ts';

interface Expect {
  readonly state: string;
  readonly size: number;
  readonly failures: readonly string[];
}

const cases = (): Case<Expect>[] => readCorpus<Expect>(new URL('testing/corpus/answers.json', import.meta.url));

/** All that a cache may do to a client: it is left with a whole answer or with none, and says why. */
const describe = (bytes: Uint8Array): Expect => {
  const bench = new Bench();
  bench.connect();
  const done = bench.take(bytes);
  const { client, failures, changes } = bench;
  assert.ok(client.state !== 'waiting' || done.includes('close') || failures.length > 0);
  assert.ok(changes > 0 || !client.hasData);
  assert.ok(client.hasData || client.table.size === 0);
  assert.ok(done.every((one) => one.length <= 1000));
  return { state: client.state, size: client.table.size, failures };
};

test('answers of a cache', () => {
  for (const { name, bytes, expect } of cases()) assert.deepEqual(describe(bytes), expect, name);
});

test('answers made of the corpus: no error but those of RFC 8210 §12, and never half of an answer', () => {
  survive(cases(), (bytes) => {
    describe(bytes);
  });
});
