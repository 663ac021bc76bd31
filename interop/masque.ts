import { SERVER_NAME, withIdentity } from '#bench/harness/identity.ts';
import { withPair } from '#bench/harness/network.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import { withPrograms } from '#bench/harness/program.ts';
import { freeUdpPort } from '#bench/harness/sockets.ts';
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
/** Both ends' TUN. The MTU is IPv6's least (RFC 8200 §5), which Initial packets of 1200 bytes would not let through. */
const DEVICE = ['--tun', 'tunnel0', '--mtu', '1280'];
/** Addresses inside the tunnel, and what a ping holds that is as large as the MTU with its headers. */
const INNER = {
  4: { proxy: '10.64.0.1', client: '10.64.0.2', length: 32, any: '0.0.0.0/32', pingBytes: 1280 - 20 - 8 },
  6: { proxy: 'fd00:64::1', client: 'fd00:64::2', length: 128, any: '::/128', pingBytes: 1280 - 40 - 8 },
} as const;
type Family = keyof typeof INNER;
const FAMILIES = [4, 6] as const;
const PINGS = '5';

/** One value a family, parted by commas. */
const list = (of: (inner: (typeof INNER)[Family]) => string): string =>
  FAMILIES.map((family) => of(INNER[family])).join(',');

// `withPair` takes IPv6 off; the TUN that a program makes gets it again, without link-local addresses and what they send.
const INNER_IPV6 =
  'cd /proc/sys/net/ipv6/conf && echo 0 > all/disable_ipv6 && echo 0 > default/disable_ipv6 && echo 1 > default/addr_gen_mode';

const proxyFlags = (address: string, port: number, certificate: string, key: string): string[] => [
  ...['--listen', `${address}:${port}`, '--name', SERVER_NAME, '--cert', certificate, '--key', key],
];

const clientFlags = (address: string, port: number, authority: string): string[] => [
  ...['--server', `${address}:${port}`, '--name', SERVER_NAME, '--ca', authority],
];

const inside = (namespace: string, ...command: string[]): Promise<string> =>
  runCommand('ip', ['netns', 'exec', namespace, ...command], { timeoutMs: LIMIT_MS });

/** One tunnel with addresses and routes of both families: pings its proxy's end from the client's, by both. */
const connectIp = (proxy: Maker, client: Maker): Promise<void> =>
  withIdentity(({ files: { certificate, key, authority } }) =>
    withPair(LINK_MTU, (pair) =>
      withPrograms(async (start) => {
        for (const { namespace } of [pair.server, pair.client]) await inside(namespace, 'sh', '-c', INNER_IPV6);
        const at = [pair.server.address, 443] as const;
        const addresses = ['--address', list(({ proxy: address, length }) => `${address}/${length}`)];
        const route = ['--route', addresses[1] as string];
        const given = ['--client', list(({ client: address, length }) => `${address}/${length}`)];
        const proxyArgs = [...proxyFlags(...at, certificate, key), ...DEVICE, ...addresses, ...given, ...route];
        await start(await proxy('ip-proxy', proxyArgs), pair.server).ready;
        const clientArgs = [...clientFlags(...at, authority), ...DEVICE, '--ask', list(({ any }) => any)];
        await start(await client('ip-client', clientArgs), pair.client).ready;
        for (const family of FAMILIES) {
          const { proxy: address, pingBytes } = INNER[family];
          // Don't fragment: what fits the tunnel's MTU must pass whole.
          const how = ['-q', '-M', 'do', '-c', PINGS, '-i', '0.2', '-s', String(pingBytes)];
          await inside(pair.client.namespace, 'ping', `-${family}`, ...how, address);
        }
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
    summary: 'full-size pings over IPv4 and IPv6 through one CONNECT-IP tunnel between two namespaces (RFC 9484)',
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
