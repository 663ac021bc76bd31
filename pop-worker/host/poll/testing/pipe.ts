import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

/** Both ends of a pipe as descriptors; the writing end is broken for good once the reading end is closed. */
export const pipe = (t: TestContext): { readonly reader: number; readonly writer: number } => {
  const path = fifo(t);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  return { reader, writer: openSync(path, O_WRONLY | O_NONBLOCK) };
};

/** A descriptor that is always writable, and readable from `ring` on until `quiet`. */
export const bell = (t: TestContext) => {
  const descriptor = openSync(fifo(t), O_RDWR | O_NONBLOCK);
  t.after(() => closeSync(descriptor));
  const byte = Uint8Array.of(1);
  return { descriptor, ring: () => writeSync(descriptor, byte) };
};

const fifo = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'cbt-pipe-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
};
