import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { root } from '#scripts/setup/paths.mjs';

test('a CBR_HOME that can be no folder is refused in one sentence, and a refused up shows no figures', () => {
  const env = { ...process.env, NO_COLOR: '1', CBR_HOME: '/dev/null/x' };
  const mend =
    'what should be its folder is none \\(ENOTDIR\\): remove that or name another place; or set CBR_HOME to a';
  for (const [args, said] of [
    [['up', '--once', '--name', 'nohome'], '✗ namespaces +/dev/null/x/lab cannot be written to'],
    [['up', '--name', 'nohome'], '✗ namespaces +/dev/null/x/lab cannot be written to'],
    [['down', '--name', 'nohome'], 'cloudbridge: /dev/null/x/lab/nohome\\.lock cannot be read'],
  ] as const) {
    // As a user has it: without root a remark comes before.
    const { status, stdout, stderr } = spawnSync(path.join(root, 'cloudbridge'), args, { encoding: 'utf8', env });
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, new RegExp(`^${said}, ${mend}.*\\.$`, 'm'));
    assert.doesNotMatch(stderr, /^ +at /m);
  }
});
