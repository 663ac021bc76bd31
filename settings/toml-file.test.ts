import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ConfigError, parseToml, readConfigText } from './toml-file.ts';

const Schema = z.strictObject({ a: z.object({ b: z.number() }).default({ b: 1 }), c: z.string().optional() });
const wrong = (text: string): string => {
  try {
    parseToml(Schema, text, 'f.toml');
  } catch (error) {
    assert.ok(error instanceof ConfigError && error.name === 'ConfigError', String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('what the schema makes of the text comes back', () => {
  assert.deepEqual(parseToml(Schema, '[a]\nb = 2', 'f.toml'), { a: { b: 2 } });
  assert.deepEqual(parseToml(Schema, '', 'f.toml'), { a: { b: 1 } });
});

test('each mistake has a line, with its place', () => {
  assert.match(wrong('c = "x"\nc = "y"'), /^f\.toml:2:1: [^\n]+$/);
  assert.deepEqual(
    wrong('c = 5\n[a]\nb = "x"')
      .split('\n')
      .map((line) => line.slice(0, 12)),
    ['f.toml: a.b:', 'f.toml: c: I'],
  );
  assert.match(wrong('d = 1'), /^f\.toml: top level: .*"d"/);
});

test('an error of the schema itself is no mistake of the file', () => {
  const broken = z.string().transform(() => {
    throw new RangeError('a bug');
  });
  assert.throws(() => parseToml(z.object({ x: broken }), 'x = "y"', 'f.toml'), RangeError);
});

test('a file that cannot be read is told with the mend', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'toml-file-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'x.toml'), 'a = "ü"');
  assert.equal(readConfigText(path.join(folder, 'x.toml')), 'a = "ü"');
  assert.throws(() => readConfigText(path.join(folder, 'y.toml')), /y\.toml cannot be read \(ENOENT\): .*--config/);
  assert.throws(() => readConfigText(folder), { name: 'ConfigError', message: /EISDIR/ });
});
