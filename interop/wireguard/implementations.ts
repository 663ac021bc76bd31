import { fileURLToPath } from 'node:url';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { wireguardGoPeer } from '#scripts/setup/go-peers.mjs';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Programs that make an interface of that name, and serve its socket, until they are ended. @throws PeerMissing */
export const PROGRAMS = {
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

export type ProgramName = keyof typeof PROGRAMS;

/** `linux`: the kernel's own, in a guest. */
export const PEERS = ['wireguard-go', 'linux'] as const satisfies readonly (ProgramName | 'linux')[];
export type PeerName = (typeof PEERS)[number];
