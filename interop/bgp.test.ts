import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { CASES } from './bgp/cases/table.ts';
import { LACKS } from './bgp/lacks.ts';

/** Proves a case of `cloudbridge interop bgp` with BIRD: GoBGP is built for minutes where it was not before. */
const proves = async (t: TestContext, name: string): Promise<void> => {
  if (!isRoot) return t.skip('network namespaces need root');
  const [, , proof] = CASES.find(([found]) => found === name) as (typeof CASES)[number];
  try {
    await proof('BIRD');
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    t.skip(error.message);
  }
};

test('BIRD: routes of both families both ways, with every attribute', (t) => proves(t, 'routes'));

test('BIRD: provider and customer, and two providers', (t) => proves(t, 'roles'));

test('BIRD: all routes once more', (t) => proves(t, 'refresh'));

test('what a peer lacks is a case', () => {
  for (const { case: name } of LACKS)
    assert.ok(
      CASES.some(([found]) => found === name),
      name,
    );
});
