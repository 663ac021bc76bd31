import { join } from 'node:path';
import { inboxPrefix, integratorConsumers } from '#model/nats/roles.ts';
import type { Authority } from './authority.ts';
import { keepCopy } from './files.ts';
import type { NatsAccounts } from './nats-accounts.ts';
import { natsUrl } from './nats-server.ts';
import type { Settings } from './settings.ts';

/** What a tenant's integration connects to NATS with. */
export interface IntegratorFiles {
  readonly tenant: string;
  readonly folder: string;
  readonly credentials: string;
  readonly ca: string;
  readonly servers: readonly string[];
  readonly subjects: string;
  /** Its client has to be told. */
  readonly inboxPrefix: string;
  /** Names that its consumers may have. */
  readonly consumers: readonly string[];
}

export const integratorFolder = (folder: string, tenant: string): string => join(folder, 'integrators', tenant);

export const keepIntegrator = async (
  context: {
    readonly folder: string;
    readonly settings: Settings;
    readonly authority: Authority;
    readonly accounts: NatsAccounts;
  },
  tenant: string,
): Promise<IntegratorFiles> => {
  const role = { role: 'integrator', tenant } as const;
  const folder = integratorFolder(context.folder, tenant);
  const credentials = join(folder, 'nats.creds');
  await context.accounts.addUser(credentials, role);
  return {
    tenant,
    folder,
    credentials,
    ca: await keepCopy(join(folder, 'ca.pem'), context.authority.file),
    servers: context.settings.natsHosts.map(natsUrl),
    subjects: `cb.events.${tenant}.>`,
    inboxPrefix: inboxPrefix(role),
    consumers: integratorConsumers(tenant),
  };
};
