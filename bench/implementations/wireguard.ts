/** Programs that make a WireGuard interface, all configured by `wg` and `ip`. */
import { fileURLToPath } from 'node:url';
import { wireguardGoPeer } from '#scripts/setup/go-peers.mjs';
import { boringtunPeer } from '#scripts/setup/rust-peers.mjs';
import type { ProgramSpec } from '../harness/program.ts';

export interface WireGuardImplementation {
  /** Absent: ours. */
  readonly peer?: string;
  /** In the foreground, with an interface of that name. @throws PeerMissing */
  program(name: string): Promise<ProgramSpec>;
  /** What it must be told where many peers share an address and port. */
  readonly manyFromOne?: readonly string[];
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
  {
    peer: 'boringtun',
    program: async (name) => ({
      ...{ name: 'boringtun', command: await boringtunPeer() },
      args: ['--foreground', '--disable-drop-privileges', name],
    }),
    // It would make a connected socket for the first of them, and take what the others send for that one's.
    manyFromOne: ['--disable-connected-udp'],
  },
];
