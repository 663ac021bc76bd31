import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonLines } from './json-lines.ts';

test('announcements among other lines', () => {
  const lines = new JsonLines();
  const text =
    'Using document root /srv\n{"ready":{"address":"127.0.0.1:4433"}}\n{"other":1}\n{broken\n{"result":{"files":2}}\n';
  const found = [{ ready: { address: '127.0.0.1:4433' } }, { other: 1 }, { result: { files: 2 } }];
  assert.deepEqual(lines.push(text), found);
});

test('a line counts when its end has come', () => {
  const lines = new JsonLines();
  assert.deepEqual(lines.push('{"result":'), []);
  assert.deepEqual(lines.push('1}'), []);
  assert.deepEqual(lines.push('\n'), [{ result: 1 }]);
});

test('however the pieces are cut, the announcements are the same', () => {
  const text = 'noise\n{"ready":true}\n\n{"result":{"bytes":1000}}\n';
  const whole = new JsonLines().push(text);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const lines = new JsonLines();
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      const got = at.slice(1).flatMap((end, i) => lines.push(text.slice(at[i], end)));
      assert.deepEqual(got, whole);
    }),
  );
});

test('anything printed is no reason to fail', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (pieces) => {
      const lines = new JsonLines();
      for (const piece of pieces) assert.ok(Array.isArray(lines.push(`{${piece}\n`)));
    }),
  );
});
