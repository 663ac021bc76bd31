import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { dependsOf, modulesFor } from './modules.ts';

const module = (depends: string): Buffer =>
  Buffer.from(`\x7fELF\0license=GPL\0depends=${depends}\0retpoline=Y\0name=x\0`, 'latin1');

test('what a module depends on is in its file, by either spelling', () => {
  assert.deepEqual(dependsOf(module('udp_tunnel,curve25519-x86_64')), ['udp_tunnel', 'curve25519_x86_64']);
  assert.deepEqual(dependsOf(module('')), []);
  assert.deepEqual(dependsOf(Buffer.from('no module')), []);
});

test('a module comes after all that it needs, each once; one that there is not is an error', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-modules-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, 'net'));
  const write = (file: string, depends: string): void => writeFileSync(path.join(folder, file), module(depends));
  write('net/top.ko', 'left-part,right');
  write('left_part.ko', 'base');
  write('right.ko', 'base');
  write('base.ko', '');
  const names = modulesFor(folder, ['top', 'base']).map((file) => path.basename(file));
  assert.deepEqual(names, ['base.ko', 'left_part.ko', 'right.ko', 'top.ko']);
  write('broken.ko', 'nothing');
  assert.throws(() => modulesFor(folder, ['broken']), /no module nothing/);
});
