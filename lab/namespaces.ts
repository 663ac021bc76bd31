import fs from 'node:fs';
import { runCommand } from './command.ts';
import { LabError } from './errors.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { isRunning, signal } from './pids.ts';
import { forwards, hostBatch, linkBatch, namespaceOf, type Topology } from './topology.ts';

const NETNS_FOLDER = '/run/netns';

/** Names of the network namespaces of this machine that `ip netns` knows. */
export const listNamespaces = (): string[] => (fs.existsSync(NETNS_FOLDER) ? fs.readdirSync(NETNS_FOLDER) : []);

/** Whether `ip netns` made its folder a mount point. */
export const netnsIsMounted = (): boolean =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === NETNS_FOLDER);

const refuseForeign = ({ lab, hosts }: Topology): void => {
  const existing = new Set(listNamespaces());
  const foreign = hosts.map((host) => namespaceOf(lab, host)).find((name) => existing.has(name));
  if (foreign === undefined) return;
  throw new LabError(
    `Namespace \`${foreign}\` exists and is not of this clone's making: run \`cloudbridge down --name ${lab}\` in the ` +
      'clone that made it, or choose another name with `--name`.',
  );
};

// Link-local addresses wait for duplicate address detection too (RFC 4862 §5.4), and neighbour discovery with them: the
// first IPv6 packet would be two seconds late.
const NO_DAD = 'for file in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $file; done';
const FORWARD = 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding';

/** Settings of a namespace, then its batch; one process for each host. */
const configureHost = (topology: Topology, host: string): Promise<string> => {
  const script = ['set -e', NO_DAD, ...(forwards(topology, host) ? [FORWARD] : []), 'exec ip -batch -'].join('; ');
  const args = ['netns', 'exec', namespaceOf(topology.lab, host), 'sh', '-c', script];
  return runCommand('ip', args, { input: hostBatch(topology, host) });
};

/** Makes the namespaces, links, addresses and routes of a topology; each is in the journal before it exists. */
export const createNamespaces = async (topology: Topology, journal: Journal): Promise<void> => {
  refuseForeign(topology);
  if (!netnsIsMounted()) journal.append({ kind: 'netns-mount' });
  const names = topology.hosts.map((host) => namespaceOf(topology.lab, host));
  for (const name of names) journal.append({ kind: 'namespace', name });
  const added = names.map((name) => `netns add ${name}\n`).join('');
  await runCommand('ip', ['-batch', '-'], { input: added + linkBatch(topology) });
  await Promise.all(topology.hosts.map((host) => configureHost(topology, host)));
};

const killAllIn = async (namespace: string): Promise<void> => {
  const pids = await runCommand('ip', ['netns', 'pids', namespace]);
  for (const pid of pids.split('\n').filter(Boolean)) signal(Number(pid), 'SIGKILL');
};

const undo = async (entry: JournalEntry): Promise<void> => {
  switch (entry.kind) {
    case 'process':
      if (isRunning(entry.pid, entry.startTime)) signal(-entry.pid, 'SIGKILL');
      return;
    case 'namespace':
      if (!listNamespaces().includes(entry.name)) return;
      await killAllIn(entry.name);
      await runCommand('ip', ['netns', 'delete', entry.name]);
      return;
    case 'path':
      fs.rmSync(entry.path, { recursive: true, force: true });
      return;
    case 'netns-mount':
      if (listNamespaces().length > 0 || !netnsIsMounted()) return;
      await runCommand('umount', [NETNS_FOLDER]);
      fs.rmdirSync(NETNS_FOLDER);
      return;
  }
};

/** Undoes everything in the journal, newest first, then the journal itself. Returns how many things it held. */
export const undoJournal = async (journal: Journal): Promise<number> => {
  const entries = journal.read();
  for (const entry of entries.toReversed()) await undo(entry);
  journal.remove();
  return entries.length;
};
