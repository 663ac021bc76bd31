import { fileURLToPath } from 'node:url';
import { goPeers } from '#scripts/setup/go-peers.mjs';
import { type RustPeer, rustPeers } from '#scripts/setup/rust-peers.mjs';
import type { Identity } from '../harness/identity.ts';
import type { ProgramSpec } from '../harness/program.ts';

/** Where a server of `quic-perf` listens, and what both sides agree on. */
export type PerfOrder = {
  readonly address: string;
  readonly port: number;
  readonly identity: Identity;
  /** The only key exchange. */
  readonly groups: 'x25519' | 'x25519mlkem768';
};

/** Who speaks `quic-perf` (bench/quic-perf/request.ts), with its flags and its figures. */
export type PerfImplementation = {
  /** Absent: ours. */
  readonly peer?: string;
  /** It can resume a session, with early data too. */
  readonly resumes: boolean;
  server(order: PerfOrder): Promise<ProgramSpec>;
  /** @param words what is measured: `-test bulk …` */
  client(order: PerfOrder, words: readonly string[]): Promise<ProgramSpec>;
};

/** Name in every server's certificate. */
export const PERF_NAME = 'perf.test';

const CLOUDBRIDGE = fileURLToPath(new URL('../../cloudbridge', import.meta.url));

type Role = 'server' | 'client';
/** How a program is called that has one of the roles. */
type Call = Pick<ProgramSpec, 'command' | 'args'>;

const implementation = (
  name: string,
  callOf: (role: Role) => Promise<Call>,
  what: Pick<PerfImplementation, 'peer' | 'resumes'>,
): PerfImplementation => {
  const program = async (role: Role, { address, port, groups }: PerfOrder, more: readonly string[]) => {
    const { command, args } = await callOf(role);
    const all = [...args, '-addr', `${address}:${port}`, '-groups', groups, ...more];
    return { name: `${name} ${role}`, command, args: all };
  };
  return {
    ...what,
    server: async (order) => {
      const { certificate, key } = order.identity.files;
      const spec = await program('server', order, ['-cert', certificate, '-key', key]);
      return { ...spec, listens: { protocol: 'udp', port: order.port } };
    },
    client: (order, words) => program('client', order, ['-ca', order.identity.files.authority, ...words]),
  };
};

export const OURS = implementation('our', async (role) => ({ command: CLOUDBRIDGE, args: ['quic-perf', role] }), {
  resumes: true,
});

const QUIC_GO = implementation('quic-go', async (role) => ({ command: await goPeers(), args: [`perf-${role}`] }), {
  peer: 'quic-go',
  resumes: true,
});

const inRust = (peer: RustPeer, resumes: boolean): PerfImplementation =>
  implementation(peer, async (role) => ({ command: await rustPeers(peer), args: [role] }), { peer, resumes });

/** Measured beside ours with `--peers`. To add one is to add a row. */
export const PERF_PEERS: readonly PerfImplementation[] = [QUIC_GO, inRust('quinn', true), inRust('s2n-quic', false)];
