import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { root } from '#scripts/setup/paths.mjs';

/** Where the engine does not load, as where it was not built. */
const withoutEngine = (...args: string[]) =>
  spawnSync(process.execPath, ['--no-addons', path.join(root, 'cli/main.ts'), ...args], { encoding: 'utf8' });

test('a command that needs the packet engine says in one sentence that it does not load', () => {
  for (const args of [
    ['worker', 'run', '--config', 'worker.toml'],
    ['connect', '--server', 'https://edge.test'],
  ]) {
    const { status, stdout, stderr } = withoutEngine(...args);
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, /^cloudbridge: The packet engine .* does not load: build it with `node scripts.*`\.\n$/);
  }
});

test('the others do without it, doctor before all', () => {
  assert.equal(withoutEngine('version').status, 0);
  assert.match(withoutEngine('doctor', '--json').stdout, /"packet engine loads"/);
  assert.match(withoutEngine('bench').stdout, /^lab {2}/m);
});
