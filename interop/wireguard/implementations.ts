import { fileURLToPath } from 'node:url';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { wireguardGoPeer } from '#scripts/setup/peers.mjs';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Who makes an interface of that name, and serves its socket, until it is ended. @throws PeerMissing */
export const IMPLEMENTATIONS = {
  ours: async (name: string): Promise<ProgramSpec> => ({
    name: 'cloudbridge wireguard run',
    command: process.execPath,
    args: [MAIN, 'wireguard', 'run', name, '--foreground'],
  }),
  'wireguard-go': async (name: string): Promise<ProgramSpec> => ({
    name: 'wireguard-go',
    command: await wireguardGoPeer(),
    args: ['-f', name],
  }),
} as const;

export type ImplementationName = keyof typeof IMPLEMENTATIONS;
export type PeerName = Exclude<ImplementationName, 'ours'>;
