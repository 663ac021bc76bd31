import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A file system of its own in memory, which is soon full. */
export interface SmallDisk {
  readonly folder: string;
  /** Leaves no room at all. */
  fill(): void;
  /** Takes away what `fill` put there. */
  makeRoom(): void;
  remount(how: 'ro' | 'rw'): void;
  /** @param kibibytes how much it holds from now on */
  resize(kibibytes: number): void;
}

const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

const mounts = (): boolean => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-disk-'));
  const can = run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder);
  if (can) run('umount', folder);
  rmdirSync(folder);
  return can;
};

/** Why a test that fills a disk has to be skipped, or false. */
export const needsSmallDisk: string | false =
  (process.getuid?.() !== 0 && 'only root may mount a file system') ||
  (!mounts() && 'this root may not mount a file system');

/** @param kibibytes how much it holds; it goes with the test */
export const smallDisk = (t: TestContext, kibibytes = 64): SmallDisk => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-disk-'));
  if (!run('mount', '-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=700`, 'tmpfs', folder)) throw new Error('no mount');
  t.after(() => {
    run('umount', '--lazy', folder);
    rmdirSync(folder);
  });
  const change = (option: string): void => {
    if (!run('mount', '-o', `remount,${option}`, folder)) throw new Error(`it cannot be remounted ${option}`);
  };
  const ballast = path.join(folder, 'ballast');
  return {
    folder,
    fill: () => {
      const file = openSync(ballast, 'a');
      try {
        for (const chunk of [Buffer.alloc(4096), Buffer.alloc(1)]) for (;;) writeSync(file, chunk);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    remount: (how) => change(how),
    resize: (size) => change(`size=${size}k`),
  };
};
