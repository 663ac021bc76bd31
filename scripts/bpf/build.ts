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
const WRITTEN = '// Written by scripts/bpf/build.ts from what the compiler says of bpf/: not by hand.\n';

const filesIn = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .toSorted()
    .map((name) => path.join(folder, name));

const sources = (): string[] => filesIn(FOLDER, /\.bpf\.c$/);
/** Of all objects that there are to be. */
export const objectNames = (): string[] => sources().map((source) => path.basename(source, '.bpf.c'));

/** Of all sources and flags. */
export const sourcesDigest = (): string => {
  const hash = createHash('sha256').update(JSON.stringify(FLAGS));
  for (const file of [...sources(), ...filesIn(path.join(FOLDER, 'include'), /\.h$/)])
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

/** @param name of an object in bpf/gen @returns TypeScript for what it has */
const bindingsOf = (name: string): string => {
  const sections = elfSections(readFileSync(path.join(FOLDER, `gen/${name}.o`)));
  const btf = sections.get('.BTF');
  if (btf === undefined) throw new Error(`${name}: clang wrote no BTF`);
  return new Bindings(readBtf(btf), elfSymbols(sections), sections.get('.rodata')?.length ?? 0).text();
};

/** @returns whose source that of this object includes, if any */
const included = (name: string): string | undefined =>
  /^#include "(\w+)\.bpf\.c"$/m.exec(readFileSync(path.join(FOLDER, `${name}.bpf.c`), 'utf8'))?.[1];

/** What pop-worker/xdp/gen has of an object: of one that only adds programs to another's, the other's once more. */
export const bindingsFile = (name: string): string => {
  const text = bindingsOf(name);
  const other = included(name);
  if (other === undefined || bindingsOf(other) !== text) return `${WRITTEN}${text}`;
  return `${WRITTEN}export * from './${other}.ts';\n`;
};

const build = (): void => {
  mkdirSync(path.join(FOLDER, 'gen'), { recursive: true });
  const names = objectNames();
  for (const name of names) {
    const object = compile(`${name}.bpf.c`, `gen/${name}.o`);
    console.log(`${name}: ${object.length} bytes`);
  }
  for (const name of names) writeFileSync(path.join(root, `pop-worker/xdp/gen/${name}.ts`), bindingsFile(name));
  writeFileSync(path.join(FOLDER, 'gen/sources.sha256'), `${sourcesDigest()}\n`);
};

if (import.meta.main) build();
