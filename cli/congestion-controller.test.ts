import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { controllerNames } from '#protocol/congestion/registry.ts';
import { controllerFromEnvironment } from './congestion-controller.ts';

test('CBR_CC names a controller; an empty one is none', () => {
  for (const name of controllerNames()) assert.equal(controllerFromEnvironment({ CBR_CC: name }), name);
  assert.equal(controllerFromEnvironment({ CBR_CC: '' }), undefined);
  assert.equal(controllerFromEnvironment({}), undefined);
});

test('a wrong CBR_CC is bad usage of everything that reads it, told with the right names', () => {
  const main = path.join(import.meta.dirname, 'main.ts');
  const wrong = 'CBR_CC takes the name of a congestion controller, bbrv3, cubic, newreno, not `reno`.';
  for (const words of [
    ['worker', 'run', '--config', '/nowhere.toml'],
    ['connect', '--server', 'https://edge.test', '--token-file', '/nowhere', '--socks', '1080'],
    ['up', '--once', '--name', 'never'],
    ['interop', 'quic', 'handshake'],
  ]) {
    const env = { ...process.env, CBR_CC: 'reno' };
    const { status, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', env });
    assert.deepEqual([status, stderr.includes(wrong)], [2, true], `${words.join(' ')}: ${status} ${stderr}`);
  }
});
