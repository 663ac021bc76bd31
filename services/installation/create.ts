import { rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { ID_IN_WORDS, isId } from '#model/names.ts';
import type { OutsideRole } from '#model/nats/roles.ts';
import { wireguardEndpointText } from '#model/wireguard.ts';
import { Authority } from './authority.ts';
import { type EdgeFiles, edgeFolder, keepEdge } from './edge-bundle.ts';
import { InstallationError } from './errors.ts';
import { read } from './files.ts';
import { type IntegratorFiles, integratorFolder, keepIntegrator } from './integrator-bundle.ts';
import { NatsAccounts, writeAccounts } from './nats-accounts.ts';
import { accountsFile, issueForNats, keepNatsServers, type NatsServerFiles, natsUrl } from './nats-server.ts';
import { issueForServices, keepServices, type ServicesFiles } from './services-bundle.ts';
import { type AskedSettings, keepSettings, readSettings, type Settings } from './settings.ts';
import { keepFleetKeys, WIREGUARD_KEY } from './wireguard-keys.ts';
import {
  issueForWorker,
  keepWorker,
  renewMesh,
  servesWireGuard,
  type WorkerFiles,
  type WorkerName,
  workerFolder,
} from './worker-bundle.ts';

/** What was made, for programs; `revisionKeys` goes into the workers' files. */
export interface CreatedInstallation {
  /** The first server, or the only one. */
  readonly nats: NatsServerFiles;
  readonly natsServers: readonly NatsServerFiles[];
  readonly servers: readonly string[];
  readonly servicesConfig: string;
  readonly servicesCredentials: string;
  /** Of the API at the edge. */
  readonly edgeCredentials: string;
  /** By `pop/worker`. */
  readonly workerConfigs: Readonly<Record<string, string>>;
  readonly workerCredentials: Readonly<Record<string, string>>;
  readonly installationKey: string;
  readonly revisionKey: string;
  readonly revisionKeys: Readonly<Record<string, string>>;
  /** What WireGuard clients are to be told, once the API runs. */
  readonly wireguard: { readonly publicKey: string; readonly endpoints: readonly string[] };
  /** Whether who may connect to NATS is not what it was: servers that run have to be told. */
  readonly accountsChanged: boolean;
}

export interface InstallationOptions extends AskedSettings {
  readonly folder: string;
  /** As `pop/worker`; those that are there stay. */
  readonly workers?: readonly string[];
}

/** @throws InstallationError when it is not two names */
export const parseWorker = (text: string): WorkerName => {
  const [pop = '', worker = '', ...rest] = text.split('/');
  if (rest.length === 0 && isId(pop) && isId(worker)) return { pop, worker };
  throw new InstallationError(`\`${text}\` is no worker: write POP/ID, such as moscow/w1, each of ${ID_IN_WORDS}`);
};

/** @throws InstallationError when it is no tenant's name */
export const parseTenant = (text: string): string => {
  if (isId(text)) return text;
  throw new InstallationError(`\`${text}\` is no tenant: write ${ID_IN_WORDS}`);
};

/** What all work on an installation starts from. */
interface Opened {
  readonly folder: string;
  readonly settings: Settings;
  readonly authority: Authority;
  readonly accounts: NatsAccounts;
  readonly natsServers: readonly NatsServerFiles[];
  readonly services: ServicesFiles;
  readonly edge: EdgeFiles;
}

const open = async (folder: string, settings: Settings): Promise<Opened> => {
  const authority = await Authority.open(join(folder, 'ca'));
  const accounts = new NatsAccounts(join(folder, 'keys'));
  const natsServers = await keepNatsServers(join(folder, 'nats'), settings, authority);
  const services = await keepServices(join(folder, 'services'), settings, authority, accounts);
  const edge = await keepEdge(folder, authority, accounts);
  return { folder, settings, authority, accounts, natsServers, services, edge };
};

/** Opens what was made before. */
const reopen = async (folder: string): Promise<Opened> => open(resolve(folder), await readSettings(resolve(folder)));

const workerContext = (opened: Opened) => ({ ...opened, revisionKeys: opened.services.revisionKeys });

const tellNats = ({ accounts, natsServers }: Opened): Promise<boolean> =>
  writeAccounts(accounts, natsServers.map(accountsFile));

/**
 * Makes all that an installation's control plane starts from, offline: keys, certificates, configuration, in one folder for
 * each machine. What is there stays, so it may run again, also after it was cut off.
 *
 * @throws InstallationError
 */
export const createInstallation = async (options: InstallationOptions): Promise<CreatedInstallation> => {
  const { workers = [], folder, ...asked } = options;
  const names = workers.map((name) => [name, parseWorker(name)] as const);
  const opened = await open(resolve(folder), await keepSettings(resolve(folder), asked));
  const { settings, services, edge, natsServers } = opened;
  const made: Record<string, WorkerFiles> = {};
  for (const [name, parsed] of names) made[name] = await keepWorker(workerContext(opened), parsed);
  const pick = (part: 'config' | 'credentials') =>
    Object.fromEntries(Object.entries(made).map(([name, files]) => [name, files[part]]));
  return {
    nats: natsServers[0]!,
    natsServers,
    servers: settings.natsHosts.map(natsUrl),
    servicesConfig: services.config,
    servicesCredentials: services.credentials,
    edgeCredentials: edge.credentials,
    workerConfigs: pick('config'),
    workerCredentials: pick('credentials'),
    installationKey: services.installationKey,
    revisionKey: services.revisionKey,
    revisionKeys: services.revisionKeys,
    wireguard: await wireguardOf(opened),
    accountsChanged: await tellNats(opened),
  };
};

/** Port that workers serve WireGuard at, unless their files say otherwise. */
const WIREGUARD_PORT = 51_820;
/** Of the API. */
const MOST_ENDPOINTS = 8;

const wireguardOf = async ({ folder, settings }: Opened): Promise<CreatedInstallation['wireguard']> => {
  const { newest } = await keepFleetKeys(join(folder, 'keys'));
  const addresses = settings.edgeAddresses.slice(0, MOST_ENDPOINTS);
  return {
    publicKey: newest.publicKey,
    endpoints: addresses.map((host) => wireguardEndpointText({ host, isAddress: true, port: WIREGUARD_PORT })),
  };
};

/** What was added to an installation, or taken from it. */
export interface Changed<T> {
  readonly changed: readonly T[];
  /** Servers that run have to be told. */
  readonly accountsChanged: boolean;
}

/** @param meshAddress where other workers reach it, of one worker @throws InstallationError */
export const addWorkers = async (
  folder: string,
  workers: readonly string[],
  meshAddress?: string,
): Promise<Changed<WorkerFiles>> => {
  const names = workers.map(parseWorker);
  if (meshAddress !== undefined && names.length !== 1)
    throw new InstallationError('--mesh-address is that of one worker: name one at a time');
  if (meshAddress !== undefined && isIP(meshAddress) === 0)
    throw new InstallationError('--mesh-address must be an IP address, such as 203.0.113.7');
  const opened = await reopen(folder);
  const changed: WorkerFiles[] = [];
  for (const name of names) changed.push(await keepWorker({ ...workerContext(opened), meshAddress }, name));
  return { changed, accountsChanged: await tellNats(opened) };
};

/** @throws InstallationError */
export const addIntegrators = async (folder: string, tenants: readonly string[]): Promise<Changed<IntegratorFiles>> => {
  const names = tenants.map(parseTenant);
  const opened = await reopen(folder);
  const changed: IntegratorFiles[] = [];
  for (const name of names) changed.push(await keepIntegrator(opened, name));
  return { changed, accountsChanged: await tellNats(opened) };
};

const folderOf = (folder: string, role: OutsideRole): string => {
  if (role.role === 'edge') return edgeFolder(folder);
  return role.role === 'worker' ? workerFolder(folder, role) : integratorFolder(folder, role.tenant);
};

/** Takes away what workers and integrators connect with. @throws InstallationError when there is no such one */
export const removeOutside = async (folder: string, roles: readonly OutsideRole[]): Promise<Changed<OutsideRole>> => {
  const opened = await reopen(folder);
  const there = new Set((await opened.accounts.outside()).map((role) => folderOf(folder, role)));
  for (const role of roles) {
    const found = there.has(folderOf(folder, role));
    if (!found)
      throw new InstallationError(`${folderOf(folder, role)} is not there: see what is with \`ls ${folder}\``);
  }
  for (const role of roles) {
    await opened.accounts.remove(role);
    await rm(folderOf(opened.folder, role), { recursive: true, force: true });
  }
  return { changed: roles, accountsChanged: await tellNats(opened) };
};

/** …and workers' files that are from before there was WireGuard, and do not serve it. */
interface Renewed extends Changed<string> {
  readonly withoutWireguard: readonly string[];
}

/**
 * Issues all certificates anew, for another year and for the addresses of today, and signs all credentials again. Every key
 * stays what it is.
 *
 * @returns the files that are new @throws InstallationError
 */
export const renewInstallation = async (folder: string): Promise<Renewed> => {
  const opened = await reopen(folder);
  const { authority, accounts, settings, natsServers, services } = opened;
  const changed: string[] = [];
  const withoutWireguard: string[] = [];
  for (const server of natsServers) changed.push((await issueForNats(server, settings, authority)).certificate);
  changed.push((await issueForServices(services.folder, settings, authority)).certificate);
  changed.push(await accounts.renewUser(services.credentials, { role: 'services' }));
  for (const role of await accounts.outside()) {
    if (role.role === 'worker') {
      const key = join(workerFolder(opened.folder, role), WIREGUARD_KEY);
      const hadKey = (await read(key)) !== undefined;
      const files = await keepWorker(workerContext(opened), role);
      if (!hadKey) changed.push(key);
      if (!(await servesWireGuard(files))) withoutWireguard.push(files.config);
      changed.push((await issueForWorker(files.folder, settings, authority)).certificate);
      const mesh = await renewMesh(opened.folder, files, role);
      if (mesh !== undefined) changed.push(mesh.certificate);
      changed.push(await accounts.renewUser(files.credentials, role));
    } else if (role.role === 'edge') changed.push(await accounts.renewUser(opened.edge.credentials, role));
    else changed.push(await accounts.renewUser((await keepIntegrator(opened, role.tenant)).credentials, role));
  }
  return { changed, withoutWireguard, accountsChanged: await tellNats(opened) };
};
