import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { listNamespaces } from '#lab/namespaces.ts';
import { root } from '#scripts/setup/paths.mjs';

const skip = !existsSync('/dev/full') && '/dev/full is not there';

const start = (args: readonly string[], stdio: StdioOptions, env: NodeJS.ProcessEnv = process.env): ChildProcess =>
  spawn(path.join(root, 'cloudbridge'), args, { stdio, env });

/** How it ends, and what it says on stderr. */
const endOf = async (child: ChildProcess): Promise<{ code: unknown; stderr: string }> => {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
};

/** A file on a disk that is full. */
const full = (t: TestContext): number => {
  const file = openSync('/dev/full', 'w');
  t.after(() => closeSync(file));
  return file;
};

const FULL = 'cloudbridge: Standard output cannot be written, the disk is full (ENOSPC): make room on it.\n';

test('a full disk below standard output is told once, and it is a failure', { skip }, async (t) => {
  for (const args of [['version'], ['--help'], ['completion', 'bash'], ['bench'], ['context', 'list']]) {
    const ended = await endOf(start(args, ['ignore', full(t), 'pipe']));
    assert.deepEqual(ended, { code: 1, stderr: FULL }, args.join(' '));
  }
});

test('so is a reader that has gone', async () => {
  const child = start(['--help'], ['ignore', 'pipe', 'pipe']);
  child.stdout?.destroy();
  assert.deepEqual(await endOf(child), {
    code: 1,
    stderr:
      'cloudbridge: Standard output cannot be written, what reads it has ended (EPIPE): keep that running or name another place.\n',
  });
});

test('where standard error is full there is nobody to tell, and the exit code stays', { skip }, async (t) => {
  assert.equal((await endOf(start(['nosuch'], ['ignore', 'ignore', full(t)]))).code, 2);
});

test('up takes its lab down', { skip }, async (t) => {
  const home = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(home, { recursive: true }));
  const name = `lost${process.pid}`;
  const env = { ...process.env, CBR_HOME: home };
  const { code, stderr } = await endOf(start(['up', '--name', name, '--pops', '1'], ['ignore', full(t), 'pipe'], env));
  assert.deepEqual([code, stderr.split('\n').filter((line) => line.startsWith('cloudbridge:'))], [1, [FULL.trim()]]);
  assert.doesNotMatch(stderr, /^ +at /m);
  assert.deepEqual(readdirSync(path.join(home, 'lab')), []);
  assert.deepEqual(
    listNamespaces().filter((each) => each.startsWith(`${name}-`)),
    [],
  );
});
