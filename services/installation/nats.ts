import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/nats-core';
import { accountJwt, operatorJwt, userCredentials } from '#model/nats/jwt.ts';
import type { NatsRole } from '#model/nats/roles.ts';
import { Authority, type Identity } from './authority.ts';

export interface NatsSetup {
  /** Everything goes here; only the owner may enter. */
  readonly folder: string;
  readonly host: string;
  /** -1: any free one, written to a `.ports` file in the folder. */
  readonly port: number;
  /** For the edge Worker, which speaks WebSocket. */
  readonly websocketPort: number;
  /** For the PoPs' leaf nodes. */
  readonly leafPort: number;
  /** Names and addresses that clients reach the server by. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

export interface CreatedNats {
  /** For `nats-server -c`. */
  readonly config: string;
  /** For its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** PEM file of what clients trust. */
  readonly ca: string;
}

const secret = (file: string, text: string | Uint8Array): Promise<void> => writeFile(file, text, { mode: 0o600 });
const quote = (text: string): string => JSON.stringify(text);
const now = (): number => Math.floor(Date.now() / 1000);

/** Generates, offline, what a NATS server of an installation needs. Run once: a second run makes new keys. */
export const createNats = async (setup: NatsSetup): Promise<CreatedNats> => {
  const { folder } = setup;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await Authority.create(join(folder, 'tls'));
  const server = await authority.issue('nats', { names: setup.names, addresses: setup.addresses, usage: 'both' });
  const [operator, system, account] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  await Promise.all([
    secret(join(folder, 'operator.seed'), operator.getSeed()),
    secret(join(folder, 'account.seed'), account.getSeed()),
    secret(join(folder, 'local.conf'), localConfig(setup, server, authority.file, operator, system, account)),
    copyFile(new URL('../../nats.conf', import.meta.url), join(folder, 'nats.conf')),
  ]);
  return {
    config: join(folder, 'nats.conf'),
    environment: { CBR_NATS_STORE: quote(join(folder, 'data')) },
    ca: authority.file,
  };
};

/** Writes credentials of one role, mode 0600. @param folder that `createNats` made @returns the file */
export const createCredentials = async (folder: string, role: NatsRole): Promise<string> => {
  const account = nkeys.fromSeed(new Uint8Array(await readFile(join(folder, 'account.seed'))));
  const name = nameOf(role);
  const file = join(folder, `${name}.creds`);
  await secret(file, userCredentials(account, role, name, now()));
  return file;
};

const nameOf = (role: NatsRole): string => {
  if (role.role === 'worker') return `worker-${role.pop}-${role.worker}`;
  return role.role === 'integrator' ? `integrator-${role.tenant}` : role.role;
};

const localConfig = (
  setup: NatsSetup,
  server: Identity,
  ca: string,
  operator: nkeys.KeyPair,
  system: nkeys.KeyPair,
  account: nkeys.KeyPair,
): string => {
  const { host, port, websocketPort, leafPort, folder } = setup;
  const tls = `tls { cert_file: ${quote(server.certificate)}, key_file: ${quote(server.key)} }`;
  const mutual = `tls { cert_file: ${quote(server.certificate)}, key_file: ${quote(server.key)}, ca_file: ${quote(ca)} }`;
  const at = (listenPort: number): string => quote(`${host}:${listenPort}`);
  const accounts = [
    [system, { name: 'system', jetstream: false }],
    [account, { name: 'cloudbridge', jetstream: true }],
  ] as const;
  const preload = accounts.map(
    ([key, options]) => `  ${key.getPublicKey()}: ${accountJwt(operator, key.getPublicKey(), options, now())}`,
  );
  return `listen: ${at(port)}
ports_file_dir: ${quote(folder)}
${tls}
websocket { listen: ${at(websocketPort)}, ${tls} }
leafnodes { listen: ${at(leafPort)}, ${mutual} }
operator: ${operatorJwt(operator, system.getPublicKey(), now())}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
${preload.join('\n')}
}
`;
};
