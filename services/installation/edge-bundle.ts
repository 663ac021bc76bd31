import { join } from 'node:path';
import type { Authority } from './authority.ts';
import { keepCopy } from './files.ts';
import type { NatsAccounts } from './nats-accounts.ts';

/** What the API at the edge connects to NATS with. */
export interface EdgeFiles {
  readonly folder: string;
  readonly credentials: string;
}

export const edgeFolder = (folder: string): string => join(folder, 'edge');

/** Makes the files of the API at the edge unless they are there. @param folder of the installation */
export const keepEdge = async (folder: string, authority: Authority, accounts: NatsAccounts): Promise<EdgeFiles> => {
  const files = { folder: edgeFolder(folder), credentials: join(edgeFolder(folder), 'edge.creds') };
  await accounts.addUser(files.credentials, { role: 'edge' });
  await keepCopy(join(files.folder, 'ca.pem'), authority.file);
  return files;
};
