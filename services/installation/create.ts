import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateRevisionKey, publicRevisionKey } from '#services/config/revision-key.ts';
import { ensureInstallationKey } from '#services/store/installation-key.ts';
import { createCredentials, createNats } from './nats.ts';

/** What was made; `revisionKeys` goes into the workers' files. */
export interface CreatedInstallation {
  readonly nats: {
    readonly config: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly ca: string;
  };
  readonly servers: readonly string[];
  readonly servicesCredentials: string;
  readonly workerCredentials: Readonly<Record<string, string>>;
  readonly installationKey: string;
  readonly revisionKey: string;
  readonly revisionKeys: Readonly<Record<string, string>>;
}

const PORTS = { port: 4222, websocketPort: 8444, leafPort: 7422 } as const;

/**
 * Makes the keys and configuration that an installation's control plane starts from, offline, once.
 *
 * @param workers as `pop/worker`
 * @param addresses more that NATS is reached at
 */
export const createInstallation = async (
  folder: string,
  host: string,
  workers: readonly string[],
  addresses: readonly string[] = [],
): Promise<CreatedInstallation> => {
  const natsFolder = join(folder, 'nats');
  const nats = await createNats({
    folder: natsFolder,
    host,
    ...PORTS,
    names: ['localhost'],
    addresses: [...new Set([host, '127.0.0.1', ...addresses])],
  });
  const servicesCredentials = await createCredentials(natsFolder, { role: 'services' });
  const workerCredentials: Record<string, string> = {};
  for (const name of workers) {
    const [pop = '', worker = ''] = name.split('/');
    workerCredentials[name] = await createCredentials(natsFolder, { role: 'worker', pop, worker });
  }
  const installationKey = join(folder, 'installation.key');
  await ensureInstallationKey(installationKey);
  const revisionKey = join(folder, 'revision.json');
  const key = await generateRevisionKey();
  await writeFile(revisionKey, JSON.stringify(key), { mode: 0o600 });
  return {
    nats,
    servers: [`tls://${host}:${PORTS.port}`],
    servicesCredentials,
    workerCredentials,
    installationKey,
    revisionKey,
    revisionKeys: { [key.kid]: publicRevisionKey(key) },
  };
};
