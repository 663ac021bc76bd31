import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Authority, Identity, IssueOptions } from './authority.ts';
import { InstallationError } from './errors.ts';
import { keep, keepCopy, read } from './files.ts';
import type { NatsAccounts } from './nats-accounts.ts';
import { natsUrl, subjectOf } from './nats-server.ts';
import type { Settings } from './settings.ts';

/** What a worker's machine needs: one folder to copy. */
export interface WorkerFiles {
  readonly folder: string;
  readonly config: string;
  readonly credentials: string;
}

export interface WorkerName {
  readonly pop: string;
  readonly worker: string;
}

export interface WorkerContext {
  /** Folder of the installation. */
  readonly folder: string;
  readonly settings: Settings;
  readonly authority: Authority;
  readonly accounts: NatsAccounts;
  readonly revisionKeys: Readonly<Record<string, string>>;
}

/** Bytes of a ticket key and of a reset key (docs/operating-a-pop.md). */
const TICKET_BYTES = 80;
const RESET_BYTES = 32;

/** Where a worker's files are. */
export const workerFolder = (folder: string, { pop, worker }: WorkerName): string =>
  join(folder, 'workers', pop, worker);

const certified = ({ edgeNames, edgeAddresses }: Settings): IssueOptions => ({
  ...subjectOf(...edgeNames, ...edgeAddresses),
  usage: 'server',
});

/** A new certificate for the worker's key, which devices are shown. */
export const issueForWorker = (folder: string, settings: Settings, authority: Authority): Promise<Identity> =>
  authority.issue(join(folder, 'edge'), certified(settings));

/** Makes a worker's files unless they are there. */
export const keepWorker = async (context: WorkerContext, name: WorkerName): Promise<WorkerFiles> => {
  const { settings, authority, accounts } = context;
  if (settings.edgeAddresses.length === 0)
    throw new InstallationError('--edge-address is missing: name the addresses that devices connect to');
  const folder = workerFolder(context.folder, name);
  const files = { folder, config: join(folder, 'worker.toml'), credentials: join(folder, 'worker.creds') };
  await accounts.addUser(files.credentials, { role: 'worker', ...name });
  await authority.ensure(join(folder, 'edge'), certified(settings));
  await keepCopy(join(folder, 'ca.pem'), authority.file);
  // The fleet's: a session is resumed, and a lost connection reset, by any worker.
  for (const [file, bytes] of [
    ['tickets.key', TICKET_BYTES],
    ['reset.key', RESET_BYTES],
  ] as const) {
    const shared = await keep(join(context.folder, 'keys', file), () => randomBytes(bytes));
    await keep(join(folder, file), () => shared);
  }
  await keep(files.config, () => workerFile(context, name), read);
  return files;
};

const quote = (text: string): string => JSON.stringify(text);
const array = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;

const workerFile = ({ settings, revisionKeys }: WorkerContext, { pop, worker }: WorkerName): string => {
  const keys = Object.entries(revisionKeys).map(([id, key]) => `${quote(id)} = ${quote(key)}`);
  return `# Paths are relative to this file; docs/operating-a-pop.md explains every setting.
pop = ${quote(pop)}
worker = ${quote(worker)}

[listen]
addresses = ${array(settings.edgeAddresses)}

[tls]
certificate = "edge.pem"
key = "edge.key"
ticket_keys = "tickets.key"
reset_key = "reset.key"

[tun]
set_forwarding = true

[control]
servers = ${array(settings.natsHosts.map(natsUrl))}
credentials = "worker.creds"
ca = "ca.pem"
revision_keys = { ${keys.join(', ')} }
`;
};
