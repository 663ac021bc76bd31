// Compiles bpf/*.bpf.c into bpf/gen, and writes what TypeScript has to know of their maps. Only who changes bpf/ needs clang.
// usage: node scripts/bpf/build.ts
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../setup/paths.mjs';
import { Bindings } from './bindings.ts';
import { readBtf } from './btf.ts';
import { elfSections, elfSymbols } from './elf.ts';

const FOLDER = path.join(root, 'bpf');
const INCLUDES: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const FLAGS = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Wextra', '-Werror', '-fdebug-compilation-dir=.'];

const filesIn = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .toSorted()
    .map((name) => path.join(folder, name));

/** Of all sources and flags. */
export const sourcesDigest = (): string => {
  const hash = createHash('sha256').update(JSON.stringify(FLAGS));
  for (const file of [...filesIn(FOLDER, /\.bpf\.c$/), ...filesIn(path.join(FOLDER, 'include'), /\.h$/)])
    hash.update(`\0${path.relative(FOLDER, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
};

const run = (command: string, args: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(command, args, { cwd: FOLDER, encoding: 'utf8' });
  if (error) throw new Error(`${command} does not run: install clang and libbpf-dev (${error.message})`);
  if (status !== 0) throw new Error(`${command} failed:\n${stderr}`);
};

/** @param source, into as seen from bpf/ @returns the object's bytes */
export const compile = (source: string, into: string): Uint8Array => {
  const include = `/usr/include/${INCLUDES[os.arch()] ?? ''}`;
  run('clang', [...FLAGS, '-I', include, '-c', source, '-o', into]);
  run('llvm-strip', ['-g', into]);
  return readFileSync(path.join(FOLDER, into));
};

const build = (): void => {
  mkdirSync(path.join(FOLDER, 'gen'), { recursive: true });
  for (const source of filesIn(FOLDER, /\.bpf\.c$/)) {
    const name = path.basename(source, '.bpf.c');
    const object = compile(path.basename(source), `gen/${name}.o`);
    const sections = elfSections(object);
    const btf = sections.get('.BTF');
    if (btf === undefined) throw new Error(`${name}: clang wrote no BTF`);
    const types = new Bindings(readBtf(btf), elfSymbols(sections), sections.get('.rodata')?.length ?? 0);
    const bindings = path.join(root, `pop-worker/xdp/gen/${name}.ts`);
    writeFileSync(bindings, types.text());
    console.log(`${name}: ${object.length} bytes`);
  }
  writeFileSync(path.join(FOLDER, 'gen/sources.sha256'), `${sourcesDigest()}\n`);
};

if (import.meta.main) build();
