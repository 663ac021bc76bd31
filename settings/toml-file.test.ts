import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ConfigError, parseToml, readConfigText } from './toml-file.ts';

const NOBODY = 65534;
const Schema = z.strictObject({ a: z.strictObject({ b: z.number() }).default({ b: 1 }), c: z.string().optional() });
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
  assert.deepEqual(wrong('c = 5\n[a]\nb = "x"').split('\n'), [
    'f.toml: a.b: must be a number',
    'f.toml: c: must be text in quotes',
  ]);
  assert.match(wrong('d = 1'), /^f\.toml: there is no setting d: take it out/);
  assert.match(wrong('[a]\nb = 1\n[a.e]\nf = 1'), /^f\.toml: there is no setting a\.e: /);
  const Choice = z.strictObject({ mode: z.enum(['a', 'b']) });
  assert.throws(() => parseToml(Choice, 'mode = "c"', 'f.toml'), { message: 'f.toml: mode: must be a or b' });
});

test('what is missing is called so, by its name and kind', () => {
  assert.equal(wrong('[a]'), 'f.toml: a.b is missing: add it, a number');
  const Needy = z.strictObject({
    name: z.string(),
    on: z.boolean(),
    servers: z.array(z.string()),
    keys: z.record(z.string(), z.string()),
    tls: z.strictObject({ key: z.string(), either: z.union([z.literal(1), z.literal(3)]) }),
    count: z.int(),
  });
  const lines = (text: string): string[] => {
    try {
      parseToml(Needy, text, 'f.toml');
    } catch (error) {
      return (error as ConfigError).message.split('\n');
    }
    return [];
  };
  assert.deepEqual(lines('count = 1.5'), [
    'f.toml: name is missing: add it, text in quotes',
    'f.toml: on is missing: add it, true or false',
    'f.toml: servers is missing: add it, a list in [ ]',
    'f.toml: [keys] is missing: add that section',
    'f.toml: [tls] is missing: add that section',
    'f.toml: count: must be a whole number',
  ]);
  assert.deepEqual(lines('name = "x"\non = true\ncount = 1\nkeys = {}\nservers = [1]\n[tls]\nkey = 1'), [
    'f.toml: servers.0: must be text in quotes',
    'f.toml: tls.key: must be text in quotes',
    'f.toml: tls.either is missing: add it',
  ]);
});

test('an error of the schema itself is no mistake of the file', () => {
  const broken = z.string().transform(() => {
    throw new RangeError('a bug');
  });
  assert.throws(() => parseToml(z.object({ x: broken }), 'x = "y"', 'f.toml'), RangeError);
});

test('a file that is not UTF-8 is refused with its line', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'toml-file-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'x.toml');
  const read = (bytes: Buffer): string => {
    writeFileSync(file, bytes);
    return readConfigText(file);
  };
  const latin1 = Buffer.from('a = "y"\nb = "x"\nname = "M\u00fcnchen"\n', 'latin1');
  assert.throws(() => read(latin1), {
    name: 'ConfigError',
    message: `${file}:3: is not UTF-8: save it as that`,
  });
  assert.throws(() => read(Buffer.of(0xe2, 0x82)), { message: `${file}:1: is not UTF-8: save it as that` });
  assert.equal(read(Buffer.from('a = "\u20ac\ufffd"')), 'a = "\u20ac\ufffd"', 'what is one is taken');
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
