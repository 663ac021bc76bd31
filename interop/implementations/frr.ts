import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Program, withPrograms } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { frrPeer } from '#scripts/setup/debian-peers.mjs';

const LIMIT_MS = 20_000;
const LOOK_MS = 20;

/** FRR's bgpd that runs: what it is asked by `vtysh`, and the process itself. */
export class Frr {
  readonly #program: Program;
  readonly #command: readonly [vtysh: string, ...args: string[]];
  readonly #libraries: string;

  constructor(program: Program, vtysh: string, libraries: string, folder: string) {
    this.#program = program;
    this.#command = [vtysh, '--vty_socket', folder, '--config_dir', folder, '-d', 'bgpd'];
    this.#libraries = libraries;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it answers to commands, one after the other, such as `show bgp summary`. @throws Error that has its words */
  async ask(...commands: string[]): Promise<string> {
    const [vtysh, ...args] = this.#command;
    const words = [`LD_LIBRARY_PATH=${this.#libraries}`, vtysh, ...args, ...commands.flatMap((one) => ['-c', one])];
    const said = await runCommand('env', words, { timeoutMs: LIMIT_MS });
    if (/^% (?!Can't open configuration)/m.test(said)) throw new Error(`FRR says: ${said.trim()}`);
    return said;
  }

  /** Changes its configuration. */
  async configure(...lines: string[]): Promise<void> {
    await this.ask('configure terminal', ...lines);
  }
}

/**
 * Runs `work` beside FRR's bgpd in that namespace, which has no other daemon of FRR: routes go into no kernel.
 *
 * @param listen the addresses that it takes connections at @throws PeerMissing
 */
export const withFrr = async <T>(
  namespace: string,
  listen: readonly string[],
  configuration: string,
  work: (frr: Frr) => Promise<T>,
): Promise<T> => {
  const { programs, libraries } = await frrPeer();
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-frr-'));
  const file = (name: string): string => path.join(folder, name);
  try {
    writeFileSync(file('bgpd.conf'), configuration);
    // Who runs it is not asked for a password, which would take PAM.
    writeFileSync(file('vtysh.conf'), 'username root nopassword\n');
    return await withPrograms(async (start) => {
      const args = [
        ...['-S', '-Z', '-f', file('bgpd.conf'), '-i', file('bgpd.pid'), '--vty_socket', folder],
        ...['-A', '127.0.0.1', '-P', '0', '-z', file('zebra.sock'), '--log', 'stdout', '--log-level', 'errors'],
        ...['-p', '179', ...listen.flatMap((address) => ['-l', address])],
      ];
      const env = { LD_LIBRARY_PATH: libraries };
      const program = start({ name: 'FRR', command: programs.bgpd, args, env }, { namespace });
      let ended: unknown;
      program.result.then(
        () => (ended = new Error('FRR ended.')),
        (error: unknown) => (ended = error),
      );
      const running = new Frr(program, programs.vtysh, libraries, folder);
      for (const end = performance.now() + LIMIT_MS; ; ) {
        if (ended !== undefined) throw ended;
        try {
          await running.ask('show version');
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
