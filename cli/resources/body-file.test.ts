import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RoutePolicySchema } from '#proto/gen/cloudbridge/v1/route_policy_pb.ts';
import { UsageError } from '../failure.ts';
import { readBody } from './body-file.ts';

test('a file with a rule thousands deep inside of itself is refused in a sentence', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cbr-body-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'policy.json');
  for (const [depth, says] of [
    [200, /^.*policy\.json is no routepolicy: .*maximum recursion depth of 100 reached/],
    [10_000, /^.*policy\.json has lists or objects too deep inside of each other: no resource has\.$/],
  ] as const) {
    const match = `${'{"not":'.repeat(depth)}{}${'}'.repeat(depth)}`;
    writeFileSync(file, `{"rules":[{"match":${match},"end":"accept"}]}`);
    await assert.rejects(
      readBody(file, RoutePolicySchema),
      (error) => error instanceof UsageError && says.test(error.message),
      `${depth}`,
    );
  }
});
