import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SmallSettings } from './small-program.ts';

const MAIN = fileURLToPath(new URL('small-program.ts', import.meta.url));

/** A line of the log, without its time. */
export type Line = Readonly<Record<string, unknown>>;

/** A program that tells what is done with it, as a process of its own. */
export class RunningSmall {
  readonly #file: string;
  readonly socket: string;
  #child: ChildProcess | undefined;
  text = '';

  constructor(t: TestContext) {
    const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-program-'));
    this.#file = path.join(folder, 'x.json');
    this.socket = path.join(folder, 'x.sock');
    t.after(() => {
      this.#child?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** Its file from now on. */
  write(settings: Partial<SmallSettings>): void {
    writeFileSync(this.#file, JSON.stringify({ socket: this.socket, ...settings }));
  }

  /** Starts it with this file. */
  async run(settings: Partial<SmallSettings>, level = ''): Promise<number | null> {
    this.write(settings);
    return this.start(level);
  }

  /** @param level of its log @returns its exit code, once it has ended */
  start(level = ''): Promise<number | null> {
    const env = { ...process.env, CBR_LOG: level };
    const child = spawn(process.execPath, [MAIN, this.#file], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (bytes: Buffer) => (this.text += bytes));
    this.#child = child;
    return new Promise((resolve) => child.once('close', resolve));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async logged(message: string): Promise<void> {
    for (const end = Date.now() + 20_000; !this.text.includes(`"message":"${message}`); ) {
      assert.ok(Date.now() < end, `${message} was not logged: ${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get lines(): Line[] {
    return this.text
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const { time, ...rest } = JSON.parse(line) as Line;
        assert.match(String(time), /^\d{4}-/);
        return rest;
      });
  }
}
