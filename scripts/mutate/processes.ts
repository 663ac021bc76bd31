import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Runner, Trial } from './runner.ts';

const NOT_COPIED = ['.git', 'node_modules', '.cloudbridge'];

const copyTree = (root: string): string => {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'));
  cpSync(root, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(relative(root, path)) });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(copy, 'node_modules'));
  return copy;
};

/** For tests that use the packet engine, servers or other programs: a process each time, in a copy of the tree. */
export class ProcessRunner implements Runner {
  readonly #copy: string;
  readonly #trial: Trial;
  #running: ChildProcess | undefined;

  constructor(root: string, trial: Trial) {
    this.#copy = copyTree(root);
    this.#trial = trial;
  }

  passes(source: string, limitMs: number): Promise<boolean> {
    const { file, tests } = this.#trial;
    writeFileSync(join(this.#copy, file), source);
    const args = ['--test', '--test-isolation=none', '--test-reporter=tap', ...tests];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#copy, '.compiled') };
    const child = spawn(process.execPath, args, { cwd: this.#copy, env, stdio: ['ignore', 'pipe', 'ignore'] });
    this.#running = child;
    return new Promise((done) => {
      let failed = false;
      const stop = (): void => {
        failed = true;
        child.kill('SIGKILL');
      };
      const timer = setTimeout(stop, limitMs);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (/^\s*not ok /m.test(text)) stop();
      });
      child.on('close', (code) => {
        clearTimeout(timer);
        done(!failed && code === 0);
      });
    });
  }

  async close(): Promise<void> {
    this.#running?.kill('SIGKILL');
    rmSync(this.#copy, { recursive: true, force: true });
  }
}
