import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { KeptOrder } from './kept-order.ts';

const folderOf = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-order-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('what was ordered is known to the next run, until it is taken back', (t) => {
  const folder = path.join(folderOf(t), 'state');
  const warnings: string[] = [];
  const run = () => new KeptOrder(folder, (reason) => warnings.push(reason));
  assert.equal(run().read(), 'serve');
  assert.equal(run().keep('drain'), true);
  const next = run();
  assert.deepEqual([next.read(), next.isFromBefore], ['drain', true]);
  assert.equal(next.keep('withdraw'), true);
  assert.equal(next.isFromBefore, false, 'it was ordered now');
  assert.equal(run().read(), 'withdraw');
  assert.equal(next.keep('serve'), true);
  assert.deepEqual([run().read(), run().isFromBefore, readdirSync(folder)], ['serve', false, []]);
  assert.equal(next.keep('undrain', ['worker', 'pop']), true);
  const last = run();
  assert.deepEqual([last.read(), last.against], ['undrain', ['worker', 'pop']]);
  assert.deepEqual(warnings, []);
});

test('a file that says nothing sensible, and a folder that takes none: told, and the worker goes on', (t) => {
  const folder = folderOf(t);
  const warnings: string[] = [];
  for (const text of ['', 'serve\n', 'drain withdraw', 'drain pop', 'undrain', 'undrain nobody', '\0'.repeat(5000)]) {
    writeFileSync(path.join(folder, 'local-order'), text);
    const kept = new KeptOrder(folder, (reason) => warnings.push(reason));
    assert.deepEqual([kept.read(), kept.isFromBefore], ['serve', false]);
    assert.match(warnings.at(-1) ?? '', /local-order holds neither of drain, withdraw, undrain/);
  }
  const lost = new KeptOrder(path.join(folder, 'local-order'), (reason) => warnings.push(reason));
  assert.equal(lost.keep('drain'), false);
  assert.match(
    warnings.at(-1) ?? '',
    /local-order cannot be written, .*: the order is obeyed, and ends with the process/,
  );
  assert.equal(lost.read(), 'serve');
  assert.match(warnings.at(-1) ?? '', /local-order cannot be read/);
});
