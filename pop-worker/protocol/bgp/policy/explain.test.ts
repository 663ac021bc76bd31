import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, ROUTE } from './testing/table.ts';

const POLICIES = {
  ruleSets: {
    main: [
      { name: 'long', match: { prefixes: ['0.0.0.0/0 ge 25'] }, end: 'reject' as const },
      { name: 'ours', match: { from: ['upstream'] }, call: 'tag' },
      { name: 'rest', end: 'accept' as const },
    ],
    tag: [{ name: 'mark', set: { localPref: 200, addCommunities: ['1:1'] } }],
  },
};

test('it is told which rule did what, and what came of it', () => {
  const { steps, accepted, before, after } = new Bench(POLICIES, 'main').explain(ROUTE);
  assert.ok(accepted);
  const nothing = { missed: undefined, changed: [], called: undefined, end: undefined };
  assert.deepEqual(steps, [
    { ...nothing, ruleSet: 'main', rule: 'long', matched: false, missed: 'prefix 0.0.0.0/0 ge 25' },
    { ...nothing, ruleSet: 'main', rule: 'ours', matched: true, called: 'tag' },
    { ...nothing, ruleSet: 'tag', rule: 'mark', matched: true, changed: ['local-pref 200', 'communities 1:1'] },
    { ...nothing, ruleSet: 'main', rule: 'rest', matched: true, end: 'accept' },
  ]);
  assert.deepEqual(before, [
    ['NEXT_HOP', '198.51.100.1'],
    ['ORIGIN', 'igp'],
    ['AS_PATH', '64500 64501'],
  ]);
  assert.deepEqual(after.slice(3), [
    ['LOCAL_PREF', '200'],
    ['COMMUNITIES', '1:1'],
  ]);
});

test('of a rejected route nothing is left', () => {
  const { accepted, steps, after } = new Bench(POLICIES, 'main').explain(ROUTE, '192.0.2.1/32');
  assert.ok(!accepted);
  assert.equal(steps.length, 1);
  assert.deepEqual(after, []);
});
