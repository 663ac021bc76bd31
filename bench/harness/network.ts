import { existsSync } from 'node:fs';
import { runCommand } from '#lab/command.ts';
import { listNamespaces } from '#lab/namespaces.ts';

/** Two hosts joined by one veth link. */
export type Pair = {
  readonly server: Host;
  readonly client: Host;
};

export type Host = {
  readonly namespace: string;
  readonly address: string;
};

const PREFIX = 'cbh';
const DEVICE = 'veth0';
const SERVER = '192.0.2.1';
const CLIENT = '192.0.2.2';

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

// Addresses that are usable at once, and no router solicitations into tunnels: nothing here speaks IPv6 by itself.
const QUIET = 'for name in default all; do echo 1 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done';

const configure = async ({ namespace, address }: Host): Promise<void> => {
  const batch = `link set lo up\naddress add ${address}/24 dev ${DEVICE}\nlink set ${DEVICE} up\n`;
  const script = `set -e; ${QUIET}; exec ip -batch -`;
  await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', script], { input: batch });
};

/** Runs `work` between two namespaces joined by a veth link of that MTU; both are gone afterwards. Needs root. */
export const withPair = async <T>(mtu: number, work: (pair: Pair) => Promise<T>): Promise<T> => {
  await removeOrphans();
  const server = { namespace: `${PREFIX}-${process.pid}-server`, address: SERVER };
  const client = { namespace: `${PREFIX}-${process.pid}-client`, address: CLIENT };
  const names = [server.namespace, client.namespace];
  try {
    const added = names.map((name) => `netns add ${name}\n`).join('');
    const [left, right] = names.map((name) => `name ${DEVICE} mtu ${mtu} netns ${name}`);
    await runCommand('ip', ['-batch', '-'], { input: `${added}link add ${left} type veth peer ${right}\n` });
    await Promise.all([configure(server), configure(client)]);
    return await work({ server, client });
  } finally {
    const existing = new Set(listNamespaces());
    for (const name of names.filter((made) => existing.has(made))) await runCommand('ip', ['netns', 'delete', name]);
  }
};
