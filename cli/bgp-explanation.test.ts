import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, ROUTE } from '#protocol/bgp/policy/testing/table.ts';
import { explanationRows } from './bgp-explanation.ts';

test('each rule with what it did, and what came of it', () => {
  const table = new Bench(
    {
      ruleSets: {
        main: [
          { name: 'long', match: { prefixes: ['0.0.0.0/0 ge 25'] }, end: 'reject' },
          { name: 'up', match: { from: ['upstream'] }, set: { med: 'none' }, call: 'tag' },
          { match: { paths: ['.+'] }, end: 'accept' },
        ],
        tag: [{ name: 'mark', set: { localPref: 200 }, end: 'return' }],
      },
    },
    'main',
  );
  assert.deepEqual(explanationRows(table.explain({ ...ROUTE, med: 5 })), [
    ['route', 'NEXT_HOP 198.51.100.1, ORIGIN igp, AS_PATH 64500 64501, MULTI_EXIT_DISC 5'],
    ['main › long', 'does not match: prefix 0.0.0.0/0 ge 25'],
    ['main › up', 'sets without med; then calls tag'],
    ['tag › mark', 'sets local-pref 200; then goes back'],
    ['main › rule 3', 'accepts'],
    ['main', 'accepted'],
    ['becomes', 'LOCAL_PREF 200, no MULTI_EXIT_DISC'],
  ]);
  assert.deepEqual(explanationRows(table.explain(ROUTE, '192.0.2.1/32')).slice(1), [
    ['main › long', 'rejects'],
    ['main', 'rejected'],
  ]);
  const explained = table.explain({ ...ROUTE, med: 5 });
  const told = [
    ['NEXT_HOP', '192.0.2.1'],
    ['ORIGIN', 'igp'],
    ['AS_PATH', '64512 64500 64501'],
  ] as const;
  assert.deepEqual(explanationRows(explained, { told }).at(-1), [
    'becomes',
    'NEXT_HOP 192.0.2.1, AS_PATH 64512 64500 64501, no MULTI_EXIT_DISC',
  ]);
  const withheld = 'there is no session with the neighbour';
  assert.deepEqual(explanationRows(explained, { withheld }).slice(-2), [
    ['main', 'accepted'],
    ['not told', withheld],
  ]);
  const rows = explanationRows(table.explain({ ...ROUTE, path: [] }, undefined, 2));
  assert.deepEqual(rows.at(-1), ['main', 'rejected: no rule accepts it']);
});
