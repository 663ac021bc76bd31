import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCommand } from '#lab/command.ts';
import { goodputOf, iperfClient, iperfServer } from '../harness/iperf.ts';
import { withPair } from '../harness/network.ts';
import { type ProgramSpec, withPrograms } from '../harness/program.ts';
import { cpuSecondsOf } from '../harness/usage.ts';
import type { WireGuardImplementation } from '../implementations/wireguard.ts';
import { identityOf } from '../wireguard-load/messages.ts';
import type { LoadOrder, Told } from '../wireguard-load/order.ts';
import type { StrangerOrder } from '../wireguard-load/stranger-order.ts';
import { configure, startInterface, withWireGuard } from './scene.ts';
import { costOf, MANY_SOURCES, routeSpoofed, under } from './strangers.ts';

const MAIN = fileURLToPath(new URL('../wireguard-load/main.ts', import.meta.url));
const CPUS = { server: 1, client: 0 } as const;
const LINK_MTU = 1500;
const PORT = 51_820;
const PEERS = 1000;
const SECONDS = 3;
const LIMIT_MS = 60_000;
/** More than anybody answers in that time. */
const MOST_HANDSHAKES = 24_000;
const FLOOD_RATE = 20_000;
/** The flood goes on until after what is measured under it. */
const FLOOD_SECONDS = SECONDS + 4;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const loadProgram = (order: LoadOrder): ProgramSpec => ({
  name: 'handshakes',
  command: process.execPath,
  args: [MAIN],
  ipc: true,
  order,
});

const sharing = (implementation: WireGuardImplementation): WireGuardImplementation => ({
  ...implementation,
  program: async (name) => {
    const spec = await implementation.program(name);
    return { ...spec, args: [...(implementation.manyFromOne ?? []), ...spec.args] };
  },
});

/** Handshakes of 1,000 peers that an interface answers, and what each costs it. */
export const handshakes = (implementation: WireGuardImplementation): Promise<Record<string, number>> =>
  withPair(LINK_MTU, ({ server, client }) =>
    withPrograms(async (start) => {
      const device = `cbb${process.pid}h`;
      const program = await startInterface(start, sharing(implementation), server, device, CPUS.server);
      try {
        const own = randomBytes(32);
        const privateKeys = Array.from({ length: PEERS }, () => randomBytes(32));
        const peers = privateKeys.flatMap((key, i) => [
          ...['[Peer]', `PublicKey = ${base64(identityOf(key).publicKey)}`],
          `AllowedIPs = 10.64.${i >> 8}.${i & 255}/32`,
        ]);
        const lines = ['[Interface]', `PrivateKey = ${base64(own)}`, `ListenPort = ${PORT}`, ...peers, ''];
        await configure(device, lines.join('\n'));
        await runCommand('ip', ['-n', server.namespace, 'link', 'set', device, 'up']);
        const order = { address: server.address, port: PORT, server: base64(identityOf(own).publicKey) };
        const run = async (count: number, seconds: number) => {
          const keys = privateKeys.map(base64);
          const load = start(loadProgram({ ...order, privateKeys: keys, count, seconds }), {
            namespace: client.namespace,
            cpu: CPUS.client,
          });
          await load.ready;
          const before = cpuSecondsOf(program.pid);
          const told = (await load.finish(LIMIT_MS)) as Told;
          return { ...told, cpu: cpuSecondsOf(program.pid) - before };
        };
        // What was just started has not been compiled yet.
        await run(PEERS, SECONDS);
        const { responses, seconds, cpu } = await run(MOST_HANDSHAKES, SECONDS);
        return { handshakes: responses / seconds, cpu_per_handshake: (1e6 * cpu) / responses };
      } finally {
        await program.stop();
        rmSync(`/var/run/wireguard/${device}.sock`, { force: true });
      }
    }),
  );

/**
 * A TCP flow of a peer, first alone and then beside initiations of nobody whose mac1 is right, of as many addresses: what is left
 * of it, and what each of them costs the program and adds to its memory while there is no flow.
 */
export const flood = (implementation: WireGuardImplementation): Promise<Record<string, number>> =>
  withWireGuard(
    implementation,
    CPUS,
    async ({ server, client }, start, publicKey) => {
      const iperf = start(await iperfServer(server.address), { namespace: server.host.namespace, cpu: CPUS.server });
      await iperf.ready;
      const place = { namespace: client.host.namespace, cpu: CPUS.client };
      const goodput = async (): Promise<number> => {
        const sender = start(await iperfClient(server.address, SECONDS, 'up'), place);
        await sender.finish(LIMIT_MS);
        return goodputOf(sender.output);
      };
      await goodput();
      const alone = await goodput();
      const order: StrangerOrder = {
        ...{ kind: 'initiations', sources: MANY_SOURCES, peer: 0, rate: FLOOD_RATE, seconds: FLOOD_SECONDS },
        ...{ address: server.host.address, port: PORT, server: publicKey },
      };
      const strangers = (spec: ProgramSpec) => start(spec, place);
      const { seen } = await under(strangers, order, goodput);
      const cost = await costOf(server.program.pid, strangers, order);
      return {
        flood_share: seen / alone,
        flood_goodput: seen,
        flood_cpu_per_message: cost.cpuUs,
        flood_memory: cost.grownMib,
      };
    },
    routeSpoofed,
  );
