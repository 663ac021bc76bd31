import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Journal } from './journal.ts';
import { startProcess } from './process.ts';

test('a program is ready once its own log says so, and never if it ends before', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cb-process-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const logFile = path.join(folder, 'server.log');
  fs.writeFileSync(logFile, 'I serve\n');
  const journal = new Journal(path.join(folder, 'journal'));
  const start = (script: string) =>
    startProcess({ name: 'server', command: 'sh', args: ['-c', script], logFile, readyText: 'I serve' }, journal);
  const begun = performance.now();
  const server = await start('sleep 0.3; echo I serve; exec sleep 60');
  await server.ready;
  assert.ok(performance.now() - begun >= 290, 'what an earlier one said does not count');
  await server.kill();
  const failing = await start('exit 3');
  await assert.rejects(failing.ready, /^LabError: server ended with 3 before it was ready\.$/);
});
