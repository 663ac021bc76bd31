import { z } from 'zod';
import { MAX_WORKER_NUMBER } from '#protocol/quic-lb/server-id.ts';
import { ipAddress } from '#settings/fields.ts';
import type { MeshSettings } from './mesh-settings.ts';

const number = z.int().min(0).max(MAX_WORKER_NUMBER);
const port = z.int().min(1).max(65_535);
const mtu = z.int().min(1280).max(9000);
const MEGABIT = 125_000;

/** `[handoff]`: where packets are handed over that reached the wrong worker. */
export const HandoffFile = z.strictObject({
  /** Of this worker: 0 to 65535, another one at each worker of the fleet. It stands in connection IDs. `mesh.member` is it. */
  worker: number.optional(),
  /** Where other workers hand packets over; threads of this one take a port each, from `port` on. `mesh.listen` has it too. */
  address: ipAddress.optional(),
  port: port.default(7443),
  /** Megabits a second to each peer. */
  peer_megabits: z.int().min(1).max(100_000).default(1000),
  /** Megabits a second of each source address: connection IDs can be copied. */
  source_megabits: z.int().min(1).max(100_000).default(200),
  /** Of ways to workers of the mesh, in bytes of IP packets. */
  mtu: mtu.default(1500),
  /** Those of the mesh need not be here: keys come from their links. */
  peers: z
    .array(
      z.strictObject({
        worker: number,
        address: ipAddress,
        port: port.default(7443),
        threads: z.int().min(1).max(64).default(1),
        /** File of 32 bytes that both workers have; the same one for both directions. */
        key: z.string(),
        /** Of the way there, in bytes of IP packets. */
        mtu: mtu.default(1500),
      }),
    )
    .max(1024)
    .default([]),
});
type HandoffSection = z.infer<typeof HandoffFile>;
export type HandoffConfig = HandoffSection & { readonly worker: number; readonly address: string };

/** The section, with what it leaves to `[mesh]`. @returns what is wrong, in one sentence, where it cannot be */
export const withMesh = (
  section: HandoffSection,
  mesh: Pick<MeshSettings, 'member' | 'listen'> | undefined,
): HandoffConfig | string => {
  // The number that the control plane gives takes its place (`withOwnNumber`).
  const { worker = mesh && (mesh.member ?? 0), address = mesh?.listen.address } = section;
  if (worker === undefined || address === undefined) return 'handoff: worker and address must be there without [mesh]';
  if (mesh !== undefined && section.worker !== undefined && mesh.member === undefined)
    return 'handoff.worker: the number comes from the control plane, as mesh.member: leave it out';
  if (mesh?.member !== undefined && worker !== mesh.member)
    return `handoff.worker: it is ${worker}, and ${mesh.member} as mesh.member: leave it out`;
  return { ...section, worker, address };
};

export const bytesPerSecond = (megabits: number): number => megabits * MEGABIT;

/** What is wrong with it as a whole, in one sentence. @param threads of this worker */
export const handoffFault = ({ worker, port: own, peers }: HandoffConfig, threads: number): string | undefined => {
  const numbers = new Set([worker]);
  for (const peer of peers) {
    if (numbers.has(peer.worker)) return `handoff: two workers have the number ${peer.worker}`;
    numbers.add(peer.worker);
    if (peer.port + peer.threads > 65_536)
      return `handoff: worker ${peer.worker} has not enough ports from ${peer.port} on`;
  }
  if (own + threads > 65_536) return `handoff.port: there are not ${threads} ports from ${own} on`;
  return undefined;
};
