import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand, until } from '#lab/command.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { type Host, type Pair, withPair } from '../harness/network.ts';
import { type Program, withPrograms } from '../harness/program.ts';
import type { WireGuardImplementation } from '../implementations/wireguard.ts';

const LINK_MTU = 1500;
const PORT = 51_820;
const READY_MS = 20_000;

export interface WireGuardEnd {
  readonly host: Host;
  readonly device: string;
  /** Inside. */
  readonly address: string;
  readonly program: Program;
}

export interface WireGuardPair {
  readonly server: WireGuardEnd;
  readonly client: WireGuardEnd;
}

type Start = Parameters<Parameters<typeof withPrograms>[0]>[0];
export type StartProgram = Start;

/** Runs `work` with a text in a file for its time. */
const withFile = async <T>(text: string, work: (file: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bench-'));
  try {
    const file = path.join(folder, 'wg.conf');
    writeFileSync(file, text, { mode: 0o600 });
    return await work(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const wg = async (args: readonly string[], input?: string): Promise<string> =>
  (await runCommand((await wireguardTools()).programs.wg, args, input === undefined ? {} : { input })).trim();

/** Gives an interface a configuration. */
export const configure = (device: string, text: string): Promise<string> =>
  withFile(text, (file) => wg(['setconf', device, file]));

/** An interface that a program makes. @param cpu that it has for itself; absent: all */
export const startInterface = async (
  start: Start,
  implementation: WireGuardImplementation,
  host: Host,
  device: string,
  cpu: number | undefined,
): Promise<Program> => {
  const place = cpu === undefined ? { namespace: host.namespace } : { namespace: host.namespace, cpu };
  const program = start(await implementation.program(device), place);
  await until(`${program.name} has its socket`, READY_MS, () => existsSync(`/var/run/wireguard/${device}.sock`));
  return program;
};

/**
 * Runs `work` between two interfaces of one implementation that know each other.
 *
 * @param cpus for the programs of the server and of the client; absent: all
 * @param work is given the server's public key, too
 * @param prepare changes the link before
 */
export const withWireGuard = <T>(
  implementation: WireGuardImplementation,
  cpus: { readonly server: number; readonly client: number } | undefined,
  work: (pair: WireGuardPair, start: Start, publicKey: string) => Promise<T>,
  prepare: (pair: Pair) => Promise<void> = async () => {},
): Promise<T> =>
  withPair(LINK_MTU, (pair) =>
    withPrograms(async (start) => {
      await prepare(pair);
      const keys = { server: await wg(['genkey']), client: await wg(['genkey']) };
      const ends = [
        { which: 'server', other: 'client', number: 1 },
        { which: 'client', other: 'server', number: 2 },
      ] as const;
      const made: Partial<Record<'server' | 'client', WireGuardEnd>> = {};
      for (const { which, other, number } of ends) {
        const host = pair[which];
        const device = `cbb${process.pid}${which[0]}`;
        const program = await startInterface(start, implementation, host, device, cpus?.[which]);
        const publicKey = await wg(['pubkey'], keys[other]);
        const lines = [
          ...[
            '[Interface]',
            `PrivateKey = ${keys[which]}`,
            `ListenPort = ${PORT}`,
            '[Peer]',
            `PublicKey = ${publicKey}`,
          ],
          ...[`AllowedIPs = 10.64.0.${3 - number}/32`, `Endpoint = ${pair[other].address}:${PORT}`, ''],
        ];
        await configure(device, lines.join('\n'));
        const address = `10.64.0.${number}`;
        const batch = `address add ${address}/24 dev ${device}\nlink set ${device} up\n`;
        await runCommand('ip', ['-n', host.namespace, '-batch', '-'], { input: batch });
        made[which] = { host, device, address, program };
      }
      try {
        return await work(made as WireGuardPair, start, await wg(['pubkey'], keys.server));
      } finally {
        for (const { device, program } of Object.values(made)) {
          await program.stop();
          rmSync(`/var/run/wireguard/${device}.sock`, { force: true });
        }
      }
    }),
  );
