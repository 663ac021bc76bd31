import { existsSync } from 'node:fs';
import { runCommand } from '#lab/command.ts';
import { listNamespaces } from '#lab/namespaces.ts';

export type Host = {
  readonly namespace: string;
  readonly address: string;
};

/** Two hosts joined by one veth link. */
export type Pair = { readonly server: Host; readonly client: Host };

/** And a third one behind the server, which forwards to it and from it. */
export type Chain = Pair & { readonly beyond: Host };

const PREFIX = 'cbh';
const SERVER = '192.0.2.1';
const CLIENT = '192.0.2.2';
/** The server's end of its other link. */
const GATEWAY = '203.0.113.1';
/** The third host of a chain. */
export const BEYOND = '203.0.113.2';
/** Where the third host of a chain lives. */
export const BEYOND_PREFIX = '203.0.113.0/24';

/** The process that made a namespace of ours; undefined for another's. */
export const makerOf = (namespace: string): number | undefined => {
  const match = /^cbh-(\d+)-[a-z]+$/.exec(namespace);
  return match === null ? undefined : Number(match[1]);
};

/** What a run left that was killed before it could clean up. */
const removeOrphans = async (): Promise<void> => {
  for (const namespace of listNamespaces()) {
    const pid = makerOf(namespace);
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await runCommand('ip', ['netns', 'delete', namespace]);
  }
};

const hostOf = (name: string, address: string): Host => ({ namespace: `${PREFIX}-${process.pid}-${name}`, address });

/** Runs `work` with these namespaces, which are gone afterwards. */
const withNamespaces = async <T>(hosts: readonly Host[], work: () => Promise<T>): Promise<T> => {
  await removeOrphans();
  const names = hosts.map(({ namespace }) => namespace);
  try {
    await runCommand('ip', ['-batch', '-'], { input: names.map((name) => `netns add ${name}\n`).join('') });
    return await work();
  } finally {
    const existing = new Set(listNamespaces());
    for (const name of names.filter((made) => existing.has(made))) await runCommand('ip', ['netns', 'delete', name]);
  }
};

// Addresses that are usable at once, and no router solicitations into tunnels: nothing here speaks IPv6 by itself.
const QUIET = 'for name in default all; do echo 1 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done';

const configure = async ({ namespace, address }: Host, device: string): Promise<void> => {
  const batch = `link set lo up\naddress add ${address}/24 dev ${device}\nlink set ${device} up\n`;
  const script = `set -e; ${QUIET}; exec ip -batch -`;
  await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', script], { input: batch });
};

/** Joins two hosts; the device of that name is the link's end in both. */
const link = async (mtu: number, device: string, one: Host, other: Host): Promise<void> => {
  const [left, right] = [one, other].map(({ namespace }) => `name ${device} mtu ${mtu} netns ${namespace}`);
  await runCommand('ip', ['link', 'add', ...`${left} type veth peer ${right}`.split(' ')]);
  await Promise.all([configure(one, device), configure(other, device)]);
};

/** Runs `work` with two namespaces that nothing joins yet. Needs root. */
export const withEnds = <T>(work: (pair: Pair) => Promise<T>): Promise<T> => {
  const pair = { server: hostOf('server', SERVER), client: hostOf('client', CLIENT) };
  return withNamespaces(Object.values(pair), () => work(pair));
};

/** Runs `work` between two namespaces joined by a veth link of that MTU; both are gone afterwards. Needs root. */
export const withPair = <T>(mtu: number, work: (pair: Pair) => Promise<T>): Promise<T> => {
  const pair = { server: hostOf('server', SERVER), client: hostOf('client', CLIENT) };
  return withNamespaces(Object.values(pair), async () => {
    await link(mtu, 'veth0', pair.server, pair.client);
    return work(pair);
  });
};

/** Runs `work` with one namespace and a TAP in it, whose other end is whoever opens it; gone afterwards. Needs root. */
export const withTap = <T>(device: string, mtu: number, work: (host: Host) => Promise<T>): Promise<T> => {
  const host = hostOf('client', CLIENT);
  return withNamespaces([host], async () => {
    const { namespace } = host;
    await runCommand('ip', ['-n', namespace, 'tuntap', 'add', 'dev', device, 'mode', 'tap']);
    await runCommand('ip', ['-n', namespace, 'link', 'set', device, 'mtu', String(mtu)]);
    await configure(host, device);
    return work(host);
  });
};

/** The same as `withPair` with a third namespace behind the server. The client has no route to it. */
export const withChain = <T>(mtu: number, work: (chain: Chain) => Promise<T>): Promise<T> => {
  const chain = {
    server: hostOf('server', SERVER),
    client: hostOf('client', CLIENT),
    beyond: hostOf('beyond', BEYOND),
  };
  const { server, client, beyond } = chain;
  return withNamespaces(Object.values(chain), async () => {
    await link(mtu, 'veth0', server, client);
    await link(mtu, 'veth1', { ...server, address: GATEWAY }, beyond);
    await runCommand('ip', ['-n', beyond.namespace, 'route', 'add', 'default', 'via', GATEWAY]);
    const forward = ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'];
    await runCommand('ip', ['netns', 'exec', server.namespace, ...forward]);
    return work(chain);
  });
};
