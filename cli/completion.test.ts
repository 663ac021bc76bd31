import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { VISIBLE } from './commands/registry.ts';
import { candidates, SCRIPTS } from './completion.ts';

const all = (...words: string[]): string[] => candidates(VISIBLE, words);

test('commands, options, values and suites complete', () => {
  assert.deepEqual(all('do'), ['doctor', 'down']);
  assert.ok(all('up', '--').includes('--once'));
  assert.deepEqual(all('up', '-o', ''), ['json', 'table', 'yaml']);
  assert.deepEqual(all('up', '--name', ''), []);
  assert.ok(all('bench', '').includes('lab'));
  assert.deepEqual(all('completion', 'z'), ['zsh']);
  assert.deepEqual(all('nothing', ''), []);
});

test('the bash script is good bash and completes', () => {
  const script = `${SCRIPTS.bash}
cloudbridge() { printf 'doctor\\ndown\\n'; }
COMP_WORDS=(cloudbridge do); COMP_CWORD=1; _cloudbridge; echo "\${COMPREPLY[*]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(stdout, 'doctor down\n');
});
