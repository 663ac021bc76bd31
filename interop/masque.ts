import { SERVER_NAME, withIdentity } from '#bench/harness/identity.ts';
import { withPair } from '#bench/harness/network.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { withPrograms } from '#bench/harness/program.ts';
import { freeUdpPort } from '#bench/harness/sockets.ts';
import { clientFlags as ipClientFlags, proxyFlags as ipProxyFlags } from '#bench/implementations/tunnel.ts';
import { Skip, type SuiteCase } from '#bench/suite.ts';
import { runCommand } from '#lab/command.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { withEcho } from './echo.ts';

import { ourProgram } from './implementations/ours.ts';
import { quicGoProgram } from './implementations/quic-go.ts';
import { type Proof, proveAll } from './with-peers.ts';

/** Starts a program of one side; the peers' programs and ours take the same flags. */
type Maker = (program: string, args: readonly string[]) => ProgramSpec | Promise<ProgramSpec>;

const LIMIT_MS = 20_000;
const DATAGRAMS = 10;

const LINK_MTU = 1500;
/** Addresses and MTU inside the tunnel. */
const TUNNEL = {
  ...{ device: 'tunnel0', mtu: 1280 },
  ...{ network: '10.64.0.0/24', proxy: '10.64.0.1', client: '10.64.0.2', route: '10.64.0.1/32' },
} as const;
const PINGS = '5';
/** With its headers as large as the tunnel's MTU, which Initial packets of 1200 bytes would not let through. */
const PING_BYTES = '1252';

const proxyFlags = (address: string, port: number, certificate: string, key: string): string[] => [
  ...['--listen', `${address}:${port}`, '--name', SERVER_NAME, '--cert', certificate, '--key', key],
];

const clientFlags = (address: string, port: number, authority: string): string[] => [
  ...['--server', `${address}:${port}`, '--name', SERVER_NAME, '--ca', authority],
];

/** Pings the proxy's end of the tunnel from the client's. */
const connectIp = (proxy: Maker, client: Maker): Promise<void> =>
  withIdentity((identity, folder) =>
    withPair(LINK_MTU, (pair) =>
      withPrograms(async (start) => {
        const order = { ...TUNNEL, identity, folder, address: pair.server.address, port: 443 };
        await start(await proxy('ip-proxy', ipProxyFlags(order)), pair.server).ready;
        await start(await client('ip-client', ipClientFlags(order)), pair.client).ready;
        // Don't fragment: what fits the tunnel's MTU must pass whole.
        const ping = ['ping', '-q', '-M', 'do', '-c', PINGS, '-i', '0.2', '-s', PING_BYTES, TUNNEL.proxy];
        await runCommand('ip', ['netns', 'exec', pair.client.namespace, ...ping], { timeoutMs: LIMIT_MS });
      }),
    ),
  );

/** Sends datagrams through the proxy to an echo, and wants each back. */
const connectUdp = (proxy: Maker, client: Maker): Promise<void> =>
  withIdentity(({ files: { certificate, key, authority } }) =>
    withEcho(async (target) => {
      const port = await freeUdpPort();
      const proxySpec = await proxy('udp-proxy', proxyFlags('127.0.0.1', port, certificate, key));
      const clientArgs = [...clientFlags('127.0.0.1', port, authority), '--target', target];
      const clientSpec = await client('udp-client', [...clientArgs, '--count', String(DATAGRAMS)]);
      await withPrograms(async (start) => {
        await start(proxySpec).ready;
        const { echoed } = (await start(clientSpec).finish(LIMIT_MS)) as { echoed: number };
        if (echoed !== DATAGRAMS) throw new Error(`${echoed} of ${DATAGRAMS} datagrams came back.`);
      });
    }),
  );

const bothRoles = (peer: string, run: (proxy: Maker, client: Maker) => Promise<void>): Proof[] => [
  { peer, ourRole: 'client', run: () => run(quicGoProgram, ourProgram) },
  { peer, ourRole: 'server', run: () => run(ourProgram, quicGoProgram) },
];

export const cases: readonly SuiteCase[] = [
  {
    name: 'connect-ip',
    summary: 'a full-size ping through a CONNECT-IP tunnel between two namespaces (RFC 9484)',
    run: (context) => {
      if (!isRoot) throw new Skip('network namespaces need root');
      return proveAll(bothRoles('connect-ip-go', connectIp), context);
    },
  },
  {
    name: 'connect-udp',
    summary: 'datagrams of many sizes through a CONNECT-UDP proxy to an echo and back (RFC 9298)',
    run: (context) => proveAll(bothRoles('quic-go', connectUdp), context),
  },
];
