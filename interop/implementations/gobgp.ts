import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Program, withPrograms } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { gobgpPeers } from '#scripts/setup/go-peers.mjs';

const LIMIT_MS = 20_000;
const LOOK_MS = 20;

/** A GoBGP that runs: what it is asked by `gobgp`, and the process itself. */
export class GoBgp {
  readonly #program: Program;
  readonly #gobgp: string;
  readonly #target: string;

  constructor(program: Program, gobgp: string, target: string) {
    this.#program = program;
    this.#gobgp = gobgp;
    this.#target = target;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it has logged. */
  get log(): string {
    return this.#program.output;
  }

  /** What it answers to a command, such as `neighbor`. */
  ask(...words: string[]): Promise<string> {
    return runCommand(this.#gobgp, ['--target', this.#target, ...words], { timeoutMs: LIMIT_MS });
  }
}

/** Runs `work` beside a GoBGP in that namespace. @param configuration TOML @param more arguments @throws PeerMissing */
export const withGoBgp = async <T>(
  namespace: string,
  configuration: string,
  work: (gobgp: GoBgp) => Promise<T>,
  more: readonly string[] = [],
): Promise<T> => {
  const { gobgp, gobgpd } = await gobgpPeers();
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-gobgp-'));
  try {
    const file = (name: string): string => path.join(folder, name);
    writeFileSync(file('gobgp.toml'), configuration);
    const target = `unix://${file('gobgp.sock')}`;
    const args = ['-f', file('gobgp.toml'), '--api-hosts', target, '--pprof-disable', ...more];
    return await withPrograms(async (start) => {
      const program = start({ name: 'GoBGP', command: gobgpd, args }, { namespace });
      let ended: unknown;
      program.result.then(
        () => (ended = new Error('GoBGP ended.')),
        (error: unknown) => (ended = error),
      );
      const running = new GoBgp(program, gobgp, target);
      for (const end = performance.now() + LIMIT_MS; ; ) {
        if (ended !== undefined) throw ended;
        try {
          await running.ask('neighbor');
          break;
        } catch (error) {
          if (performance.now() > end) throw error;
          await wait(LOOK_MS);
        }
      }
      return work(running);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
