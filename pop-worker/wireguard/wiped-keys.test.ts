import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { copiesIn } from '#host/testing/memory.ts';
import { makeUpKey } from './testing/made-up-key.ts';

const PROCESS = fileURLToPath(new URL('testing/keys-process.ts', import.meta.url));

const keyOf = (seed: number): Uint8Array => makeUpKey(seed, new Uint8Array(32));
const textOf = (seed: number): string => Buffer.from(keyOf(seed)).toString('base64');

/** Of a key the second half, for the allocator writes into the first of what is freed; or text of it. */
const wantedOf = (what: number | string): Uint8Array =>
  typeof what === 'string' ? Buffer.from(what) : keyOf(what).subarray(16, 31);

/** Has it do a step. @returns how often each of these keys or texts is in its memory after that */
type Step = (step: string, ...wanted: readonly (number | string)[]) => Promise<Record<number | string, number>>;

const start = (t: TestContext, ...words: readonly string[]): Step => {
  const args = ['--expose-gc', PROCESS, ...words];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout!);
  const gone = once(child, 'exit').then(([code]) => [`it ended with ${code}`]);
  return async (step, ...wanted) => {
    const told = Promise.race([once(lines, 'line'), gone]);
    child.stdin!.write(`${step}\n`);
    assert.deepEqual(await told, [step]);
    const counts = copiesIn(child.pid!, wanted.map(wantedOf));
    return Object.fromEntries(wanted.map((each, i) => [each, counts[i]!]));
  };
};

/** Of counts, only whether there are any. */
const isHeld = (counts: Record<number, number>): Record<number, boolean> =>
  Object.fromEntries(Object.entries(counts).map(([seed, count]) => [seed, count > 0]));

test('keys of a data-plane thread are nowhere in its memory once they are replaced, their peers are gone, or it ends', async (t) => {
  const after = start(t);
  assert.deepEqual(isHeld(await after('peers', 1, 2, 11, 12)), { 1: true, 2: true, 11: true, 12: true });
  assert.deepEqual(isHeld(await after('change', 11, 12, 13)), { 11: false, 12: true, 13: true });
  assert.deepEqual(isHeld(await after('remove', 12, 13)), { 12: false, 13: true });
  assert.deepEqual(isHeld(await after('keys', 1, 2, 3)), { 1: false, 2: false, 3: true });
  assert.deepEqual(await after('close', 1, 2, 3, 11, 12, 13), { 1: 0, 2: 0, 3: 0, 11: 0, 12: 0, 13: 0 });
});

test('of keys that an interface is told of those that it has are in its memory, and none once it ends', async (t) => {
  const after = start(t);
  const told = await after('told', 21, 22, 23, 24, 25);
  assert.deepEqual(isHeld(told), { 21: true, 22: true, 23: false, 24: false, 25: false });
  assert.deepEqual(await after('again', 21, 22), { 21: told[21], 22: told[22] }, 'equal ones leave no copy');
  assert.deepEqual(isHeld(await after('other', 21, 22, 26, 27)), { 21: false, 22: false, 26: true, 27: true });
  assert.deepEqual(await after('down', 21, 22, 26, 27), { 21: 0, 22: 0, 26: 0, 27: 0 });
});

test('a session key that was forgotten is nowhere in memory, by whichever cipher it was used', async (t) => {
  const after = start(t);
  assert.deepEqual(isHeld(await after('use', 31, 32)), { 31: true, 32: true });
  assert.deepEqual(await after('forget', 31, 32), { 31: 0, 32: 0 });
});

test('a key file is read without making text of it, and what was read is wiped', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-wiped-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'wireguard.key');
  writeFileSync(file, `${textOf(41)}\n`, { mode: 0o600 });
  const after = start(t, file);
  assert.deepEqual(await after('read', 41, textOf(41)), { 41: 1, [textOf(41)]: 0 });
  assert.deepEqual(await after('wiped', 41), { 41: 0 });
});
