import { performance } from 'node:perf_hooks';
import { inNamespace } from '#host/thread/namespace.ts';
import { runCommand } from '#lab/command.ts';
import { KernelRoutes } from '#pop-worker/routing/kernel/kernel-routes.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { sideBySide } from '../harness/beside.ts';
import { type Host, withPair } from '../harness/network.ts';
import { Skip, type SuiteCase } from '../suite.ts';

const ROUTES = 100_000;
const MTU = 1500;
const TABLE = 77;

interface Way {
  readonly family: 4 | 6;
  readonly gateways: readonly [string, string];
  readonly prefix: (i: number) => string;
}

const WAYS: Readonly<Record<'ipv4' | 'ipv6', Way>> = {
  ipv4: {
    family: 4,
    gateways: ['192.0.2.8', '192.0.2.9'],
    prefix: (i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`,
  },
  ipv6: {
    family: 6,
    gateways: ['2001:db8:f::8', '2001:db8:f::9'],
    prefix: (i) => `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::/64`,
  },
};

/** @returns seconds */
const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const deviceOf = async ({ namespace }: Host): Promise<string> => {
  const links = JSON.parse(await runCommand('ip', ['-n', namespace, '-j', 'link'])) as { ifname: string }[];
  return links.map(({ ifname }) => ifname).find((name) => name !== 'lo') ?? 'lo';
};

/** Seconds that each step took. */
interface Taken {
  readonly added: number;
  readonly compared: number;
  readonly replaced: number;
  readonly removed: number;
}

const ours = async (host: Host, device: string, { prefix, gateways }: Way): Promise<Taken> => {
  const prefixes = Array.from({ length: ROUTES }, (_, i) => parsePrefix(prefix(i)) as Prefix);
  const routes = await inNamespace(`/run/netns/${host.namespace}`, () => KernelRoutes.open());
  try {
    routes.complete();
    const [first, second] = gateways.map((gateway) => routes.hops([{ device, gateway }]));
    const lead = async (target: number): Promise<void> => {
      for (const each of prefixes) routes.set(each, target);
      await routes.settled();
    };
    const added = await timed(() => lead(first as number));
    if (routes.status.routes.installed !== ROUTES) throw new Error(`${JSON.stringify(routes.status)}`);
    const compared = await timed(() => routes.check());
    const replaced = await timed(() => lead(second as number));
    const removed = await timed(() => routes.withdraw());
    return { added, compared, replaced, removed };
  } finally {
    routes.close();
  }
};

const theirs = async (
  host: Host,
  device: string,
  { family, prefix, gateways }: Way,
): Promise<Omit<Taken, 'compared'>> => {
  const batch = (verb: string, gateway: string | undefined): Promise<number> => {
    const lines = Array.from(
      { length: ROUTES },
      (_, i) => `route ${verb} ${prefix(i)} via ${gateway} dev ${device} table ${TABLE}\n`,
    );
    const input = lines.join('');
    return timed(() => runCommand('ip', ['-n', host.namespace, `-${family}`, '-batch', '-'], { input }));
  };
  const [first, second] = gateways;
  return {
    added: await batch('add', first),
    replaced: await batch('replace', second),
    removed: await batch('delete', second),
  };
};

const PEER = 'ip -batch';

const figures = (mine: Taken, other: Omit<Taken, 'compared'> | undefined): Measurement[] => {
  const rate = (seconds: number): number => ROUTES / seconds;
  const compared = sideBySide({ metric: 'compared', unit: 'routes/s', ours: rate(mine.compared), peers: {} });
  const others = (['added', 'replaced', 'removed'] as const).flatMap((metric) => {
    const peers = other === undefined ? {} : { [PEER]: rate(other[metric]) };
    return sideBySide({ metric, unit: 'routes/s', ours: rate(mine[metric]), peers, bar: { atLeast: 1 } });
  });
  return [...compared, ...others];
};

const caseOf = (name: keyof typeof WAYS): SuiteCase => ({
  name,
  summary: `${ROUTES} routes by a nexthop: made, compared, led elsewhere, removed`,
  runs: 3,
  run: ({ peers }) => {
    if (!isRoot) throw new Skip('network namespaces need root');
    return withPair(MTU, async ({ client }) => {
      const device = await deviceOf(client);
      const inside = (...args: string[]): Promise<string> =>
        runCommand('ip', ['netns', 'exec', client.namespace, ...args]);
      await inside('sysctl', '-q', `net.ipv6.conf.${device}.disable_ipv6=0`);
      await inside('ip', 'address', 'add', '2001:db8:f::1/64', 'dev', device, 'nodad');
      const mine = await ours(client, device, WAYS[name]);
      return figures(mine, peers ? await theirs(client, device, WAYS[name]) : undefined);
    });
  },
});

export const cases: readonly SuiteCase[] = [caseOf('ipv4'), caseOf('ipv6')];
