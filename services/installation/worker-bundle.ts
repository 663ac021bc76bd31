import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { meshName } from '#model/mesh.ts';
import { Authority, type Identity, type IssueOptions } from './authority.ts';
import { InstallationError } from './errors.ts';
import { keep, keepCopy, read } from './files.ts';
import type { NatsAccounts } from './nats-accounts.ts';
import { natsUrl, subjectOf } from './nats-server.ts';
import type { Settings } from './settings.ts';
import { keepFleetKeys, PREVIOUS_WIREGUARD_KEY, WIREGUARD_KEY } from './wireguard-keys.ts';

/** What a worker's machine needs: one folder to copy. */
export interface WorkerFiles {
  readonly folder: string;
  readonly config: string;
  readonly credentials: string;
  /** Where the mesh reaches it, and SHA-256 of its key there in hexadecimal; absent: no address was given. */
  readonly mesh?: { readonly address: string; readonly pin: string };
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
  /** Where other workers reach the one that is made; undefined: it gets no files for the mesh. */
  readonly meshAddress?: string | undefined;
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
  const { newest, previous } = await keepFleetKeys(join(context.folder, 'keys'));
  await keep(join(folder, WIREGUARD_KEY), () => `${newest.privateKey}\n`);
  if (previous !== undefined) await keep(join(folder, PREVIOUS_WIREGUARD_KEY), () => `${previous.privateKey}\n`);
  const mesh = context.meshAddress === undefined ? undefined : await keepMesh(context.folder, files, name);
  await keep(files.config, () => workerFile(context, name, previous !== undefined), read);
  if (mesh === undefined) return files;
  return { ...files, mesh: { address: context.meshAddress as string, pin: await pinOf(mesh.certificate) } };
};

/** Signs the certificates of the mesh, and nothing else: who has one that the other authority signed is no worker. */
const meshAuthority = (folder: string): Promise<Authority> => Authority.open(join(folder, 'mesh-ca'));

const inMesh = ({ pop, worker }: WorkerName): IssueOptions => ({ names: [meshName(pop, worker)], usage: 'both' });

const keepMesh = async (folder: string, files: WorkerFiles, name: WorkerName): Promise<Identity> => {
  const config = await read(files.config);
  if (config !== undefined && !/^\[mesh\]$/m.test(config.toString('utf8'))) {
    const text = `${files.config} is there and has no [mesh]: add it (docs/operating-a-pop.md), or move that file away`;
    throw new InstallationError(text);
  }
  const authority = await meshAuthority(folder);
  await keepCopy(join(files.folder, 'mesh-ca.pem'), authority.file);
  return authority.ensure(join(files.folder, 'mesh'), inMesh(name));
};

/** A new certificate for the worker's key of the mesh. @returns undefined when it has none */
export const renewMesh = async (
  folder: string,
  files: WorkerFiles,
  name: WorkerName,
): Promise<Identity | undefined> => {
  if ((await read(join(files.folder, 'mesh.pem'))) === undefined) return undefined;
  return (await meshAuthority(folder)).issue(join(files.folder, 'mesh'), inMesh(name));
};

const pinOf = async (certificate: string): Promise<string> => {
  const { publicKey } = new X509Certificate((await read(certificate)) as Buffer);
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
};

/** Whether a worker's file, which may be from before there was WireGuard, says that it serves clients of it. */
export const servesWireGuard = async ({ config }: WorkerFiles): Promise<boolean> =>
  /^\[wireguard\]/m.test((await read(config))?.toString('utf8') ?? '');

const quote = (text: string): string => JSON.stringify(text);
const array = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;

const workerFile = (
  { settings, revisionKeys, meshAddress }: WorkerContext,
  { pop, worker }: WorkerName,
  hasPrevious: boolean,
): string => {
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

[wireguard]
private_key_file = "${WIREGUARD_KEY}"
${hasPrevious ? `previous_private_key_file = "${PREVIOUS_WIREGUARD_KEY}"\n` : ''}
[control]
servers = ${array(settings.natsHosts.map(natsUrl))}
credentials = "worker.creds"
ca = "ca.pem"
revision_keys = { ${keys.join(', ')} }
${meshAddress === undefined ? '' : meshSection(meshAddress)}`;
};

/** Its number and who else is there come from the control plane. */
const meshSection = (address: string): string => `
[mesh]
listen = { address = ${quote(address)} }
certificate = "mesh.pem"
key = "mesh.key"
authority = "mesh-ca.pem"

[handoff]
`;
