import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { writeU32 } from '../wire/bytes.ts';
import { parseCommunityPattern } from './community-pattern.ts';
import { parsePathPattern } from './path-pattern.ts';
import { PrefixList, parsePrefixRange } from './prefix-list.ts';

/** What a text is, as each of the three that rules have. */
interface Expect {
  readonly prefix?: true;
  readonly community?: true;
  readonly path?: true;
}

const cases = (): Case<Expect>[] => readCorpus<Expect>(new URL('testing/corpus/texts.json', import.meta.url));
const LISTS = { theirs: [{ least: 64_500, most: 64_510 }] };

/** A path of 500 ASes, that patterns with many choices would take long for. */
const PATH = new Uint8Array(2 * (2 + 4 * 250));
for (let i = 0; i < 2; i++) {
  PATH.set([2, 250], i * 1002);
  for (let n = 0; n < 250; n++) writeU32(PATH, i * 1002 + 2 + 4 * n, n % 3);
}

const describe = (text: string): Expect => {
  const prefix = parsePrefixRange(text);
  if (typeof prefix !== 'string') {
    assert.ok(prefix.length <= prefix.least && prefix.least <= prefix.most && prefix.most <= prefix.bits);
    const list = new PrefixList([prefix]);
    assert.equal(list.has(prefix.bits, prefix.address, prefix.most), true);
    assert.equal(list.has(prefix.bits, prefix.address, prefix.most + 1), false);
  }
  const community = parseCommunityPattern(text);
  if (community?.exact !== undefined) assert.ok(community.test(community.exact, 0));
  const path = parsePathPattern(text, LISTS);
  if (typeof path !== 'string') assert.equal(typeof path.test(PATH, 0, PATH.length), 'boolean');
  return {
    ...(typeof prefix !== 'string' && { prefix: true as const }),
    ...(community !== undefined && { community: true as const }),
    ...(typeof path !== 'string' && { path: true as const }),
  };
};

test('texts of rules', () => {
  for (const { name, bytes, expect } of cases())
    assert.deepEqual(describe(Buffer.from(bytes).toString()), expect, name);
});

test('texts made of the corpus: taken or refused in a sentence, and what is taken answers', () => {
  survive(cases(), (bytes) => {
    describe(Buffer.from(bytes).toString('latin1'));
  });
});
