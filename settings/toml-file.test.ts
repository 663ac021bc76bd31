import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ConfigError, parseToml, readConfigText } from './toml-file.ts';

const NOBODY = 65534;
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
  const cannot = (file: string, option?: string): string => {
    try {
      return readConfigText(file, option);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
  };
  const none = path.join(folder, 'y.toml');
  const start = (file: string): string => `the configuration ${file} cannot be read, `;
  const named = 'name another file with --config';
  assert.equal(cannot(none, '--config'), `${start(none)}it is not there (ENOENT): put it there or ${named}`);
  assert.equal(cannot(none), `${start(none)}it is not there (ENOENT): put it there or name another place`);
  assert.equal(cannot(folder, '--config'), `${start(folder)}it is a folder (EISDIR): move it away or ${named}`);
  const under = path.join(folder, 'x.toml', 'z.toml');
  assert.match(cannot(under, '--config'), /what should be its folder is none \(ENOTDIR\): .* with --config$/);
  const long = path.join(folder, 'n'.repeat(300));
  assert.equal(cannot(long, '--config'), `${start(long)}the system refuses it (ENAMETOOLONG): mend that or ${named}`);
  const secret = path.join(folder, 'x.toml');
  chmodSync(secret, 0);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  const rights = 'the user of this process may not (EACCES): give it the rights (`chown`) or';
  try {
    assert.equal(cannot(secret, '--config'), `${start(secret)}${rights} ${named}`);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});
