import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { withPair } from '../harness/network.ts';
import { withPrograms } from '../harness/program.ts';
import { residentBytesOf } from '../harness/usage.ts';
import type { WireGuardImplementation } from '../implementations/wireguard.ts';
import { configure, startInterface } from './scene.ts';

const PEERS = 10_000;
const LINK_MTU = 1500;

const peerLines = (number: number): string =>
  [
    ...['[Peer]', `PublicKey = ${randomBytes(32).toString('base64')}`],
    `AllowedIPs = 10.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}/32`,
    '',
  ].join('\n');

/** All that is resident, of the program too, shared among its peers. */
export const memoryPerPeer = (implementation: WireGuardImplementation): Promise<{ resident_per_peer: number }> =>
  withPair(LINK_MTU, ({ server }) =>
    withPrograms(async (start) => {
      const device = `cbb${process.pid}m`;
      const program = await startInterface(start, implementation, server, device, undefined);
      try {
        const lines = ['[Interface]', `PrivateKey = ${randomBytes(32).toString('base64')}`, ''];
        const peers = Array.from({ length: PEERS }, (_, i) => peerLines(i));
        await configure(device, [...lines, ...peers].join('\n'));
        return { resident_per_peer: residentBytesOf(program.pid) / PEERS };
      } finally {
        await program.stop();
        rmSync(`/var/run/wireguard/${device}.sock`, { force: true });
      }
    }),
  );
