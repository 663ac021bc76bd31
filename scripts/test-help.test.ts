import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { root } from './setup/paths.mjs';

test('npm test -- --help says what this runner takes, and runs nothing', () => {
  for (const word of ['--help', '-h']) {
    const ran = spawnSync(process.execPath, [path.join(root, 'scripts/test.ts'), word], { encoding: 'utf8' });
    assert.deepEqual([ran.status, ran.stderr], [0, '']);
    assert.match(ran.stdout, /^Usage\n {2}npm test {2,}the checks \(types, .*sanitizers\), then every test\n/);
    assert.match(ran.stdout, /^ {2}npm test -- FILE OR GLOB… /m);
    assert.ok(ran.stdout.split('\n').length < 20, ran.stdout);
  }
});

test('npm run mutation and npm run fuzz say with --help what they take, and try nothing', () => {
  for (const [script, option] of [
    ['mutate', '--record'],
    ['fuzz', '--replay FILE'],
  ] as const) {
    for (const word of ['--help', '-h']) {
      const ran = spawnSync(process.execPath, [path.join(root, `scripts/${script}.ts`), word], { encoding: 'utf8' });
      assert.equal(ran.status, 0, ran.stderr);
      assert.match(ran.stdout, /^[PT][^\n]+\.\n\n {4}n\w+ .*\n\n.* Exit code 1 .*\.\n$/s);
      assert.ok(ran.stdout.includes(option), ran.stdout);
      assert.doesNotMatch(ran.stdout, /^ \*|import/m);
    }
  }
});
