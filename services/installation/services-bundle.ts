import { isIP } from 'node:net';
import { join } from 'node:path';
import { generateRevisionKey, publicRevisionKey, type RevisionKeyFile } from '#services/config/revision-key.ts';
import { ensureInstallationKey } from '#services/store/installation-key.ts';
import type { Authority, Identity, IssueOptions } from './authority.ts';
import { keep, keepCopy, read } from './files.ts';
import type { NatsAccounts } from './nats-accounts.ts';
import { listenAt, natsUrl, subjectOf } from './nats-server.ts';
import type { Settings } from './settings.ts';

/** What each machine needs that runs services: one folder to copy. */
export interface ServicesFiles {
  readonly folder: string;
  readonly config: string;
  readonly credentials: string;
  readonly installationKey: string;
  readonly revisionKey: string;
  /** Public halves by ID, for the workers' files. */
  readonly revisionKeys: Readonly<Record<string, string>>;
}

const PORTS = { auth: 9443, token: 9444, config: 9445 } as const;
/** Of this machine alone; 9464 is a worker's, which may stand beside them. */
const ADMIN_PORTS = { auth: 9466, token: 9467, config: 9465 } as const;

/** Where people, devices and workers reach a service. */
export const serviceUrl = ({ servicesHost: host }: Settings, service: keyof typeof PORTS): string =>
  `https://${isIP(host) === 6 ? `[${host}]` : host}:${PORTS[service]}`;

const certified = ({ servicesHost }: Settings): IssueOptions => ({ ...subjectOf(servicesHost), usage: 'server' });

/** A new certificate for the services' key. */
export const issueForServices = (folder: string, settings: Settings, authority: Authority): Promise<Identity> =>
  authority.issue(join(folder, 'services'), certified(settings));

/** Makes the services' files unless they are there. */
export const keepServices = async (
  folder: string,
  settings: Settings,
  authority: Authority,
  accounts: NatsAccounts,
): Promise<ServicesFiles> => {
  const files = {
    folder,
    config: join(folder, 'services.toml'),
    credentials: join(folder, 'services.creds'),
    installationKey: join(folder, 'installation.key'),
    revisionKey: join(folder, 'revision.json'),
  };
  await accounts.addUser(files.credentials, { role: 'services' });
  await ensureInstallationKey(files.installationKey);
  const text = await keep(files.revisionKey, async () => JSON.stringify(await generateRevisionKey()));
  const key = JSON.parse(text.toString('utf8')) as RevisionKeyFile;
  await authority.ensure(join(folder, 'services'), certified(settings));
  await keepCopy(join(folder, 'ca.pem'), authority.file);
  await keep(files.config, () => servicesFile(settings), read);
  return { ...files, revisionKeys: { [key.kid]: publicRevisionKey(key) } };
};

const quote = (text: string): string => JSON.stringify(text);
const array = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;

const servicesFile = (settings: Settings): string => {
  const { natsHosts, servicesHost } = settings;
  const hosts = [...new Set([...natsHosts, servicesHost])].filter((host) => isIP(host) !== 0);
  const refused = hosts.map((host) => `${host}/${isIP(host) === 4 ? 32 : 128}`);
  const listen = (service: keyof typeof PORTS): string => quote(listenAt(servicesHost, PORTS[service]));
  const admin = (service: keyof typeof ADMIN_PORTS): string => quote(`127.0.0.1:${ADMIN_PORTS[service]}`);
  return `# All services read this file. Paths are relative to it; docs/operating-the-control-plane.md explains every setting.
installation_key = "installation.key"

[nats]
servers = ${array(natsHosts.map(natsUrl))}
credentials = "services.creds"
ca = "ca.pem"
replicas = ${natsHosts.length === 1 ? 1 : 3}

[tls]
certificate = "services.pem"
key = "services.key"

[identity]
issuer = ${quote(serviceUrl(settings, 'auth'))}

[auth]
listen = ${listen('auth')}
admin = ${admin('auth')}

[token]
listen = ${listen('token')}
admin = ${admin('token')}
issuer = ${quote(serviceUrl(settings, 'token'))}

[config]
listen = ${listen('config')}
admin = ${admin('config')}
revision_key = "revision.json"
# No tunnel leads to the control plane itself.
refused = ${array(refused)}
`;
};
