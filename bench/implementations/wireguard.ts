/** Programs that make a WireGuard interface, all configured by `wg` and `ip`. */
import { fileURLToPath } from 'node:url';
import { wireguardGoPeer } from '#scripts/setup/peers.mjs';
import type { ProgramSpec } from '../harness/program.ts';

export interface WireGuardImplementation {
  /** Absent: ours. */
  readonly peer?: string;
  /** In the foreground, with an interface of that name. @throws PeerMissing */
  program(name: string): Promise<ProgramSpec>;
}

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** As in `./cloudbridge`. */
const V8 = ['--max-semi-space-size=4'];

export const OURS: WireGuardImplementation = {
  program: async (name) => ({
    name: 'cloudbridge wireguard run',
    command: process.execPath,
    args: [...V8, MAIN, 'wireguard', 'run', name, '--foreground'],
    env: { CBR_LOG: 'error' },
  }),
};

/** Measured beside ours with `--peers`. To add one is to add a row. */
export const WIREGUARD_PEERS: readonly WireGuardImplementation[] = [
  {
    peer: 'wireguard-go',
    program: async (name) => ({ name: 'wireguard-go', command: await wireguardGoPeer(), args: ['-f', name] }),
  },
];
