import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { recordsOf } from '../mrt/testing/records.ts';
import { testLink } from './testing/link.ts';
import { BgpSide, until } from './testing/side.ts';

test('a speaker writes its table, and what neighbours say as they say it', { skip: needsRoot }, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-mrt-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const directory = path.join(folder);
  const mrt = { directory, tableS: 0, updates: true, rotateS: 3600, mostBytes: 1 << 20, keep: 9 };
  const [a, b] = testLink(t);
  const one = new BgpSide(t, a, 64_500, { mrt, originate: [{ prefix: '203.0.113.0/24' }] });
  const other = new BgpSide(t, b, 64_501, {
    originate: [{ prefix: '198.51.100.0/24' }, { prefix: '2001:db8:a::/48' }],
  });
  await until('a file', () => readdirSync(folder).length > 0);
  one.add(other);
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  await until('all is told', async () => (await one.status()).received['update'] === 4);
  const file = path.join(folder, 'table');
  assert.equal((await one.thread.dump(file)).records, 4);
  assert.deepEqual(recordsOf(file), ['peers 2', 'routes 1', 'routes 1', 'routes 1']);
  await assert.rejects(one.thread.dump('/dev/null'), /is there and is no file/);
  assert.equal((await one.thread.beside()).mrt?.table?.records, 4);
  await one.thread.stop();
  const [updates = ''] = readdirSync(folder).filter((name) => name.startsWith('updates'));
  assert.ok(updates.endsWith('.mrt'));
  const lines = recordsOf(path.join(folder, updates));
  assert.ok(lines.includes('5 to 6') && lines.some((line) => line.startsWith('6 to ')));
  assert.equal(lines.filter((line) => line.startsWith('message')).length, 4);
});
