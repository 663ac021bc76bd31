import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/nats-core';
import { type AccountOptions, accountJwt, type NatsKey, operatorJwt, userCredentials } from '#model/nats/jwt.ts';
import { type NatsRole, type OutsideRole, SHARED_BY_SERVICES, sharedBy, takenBy } from '#model/nats/roles.ts';
import { InstallationError } from './errors.ts';
import { keep, list, read, readSecret, write } from './files.ts';

const SEED = '.seed';
/** Connections at once of one tenant's integrations. */
const INTEGRATOR_CONNECTIONS = 16;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Whose account key lies where, below the folder of keys. */
const seedOf = (role: NatsRole): string => {
  if (role.role === 'services' || role.role === 'edge') return role.role + SEED;
  const path = role.role === 'worker' ? join('workers', role.pop, role.worker) : join('integrators', role.tenant);
  return path + SEED;
};

/** The claims of a JWT without what differs each time it is signed. */
const lasting = (jwt: string): string => {
  const {
    jti: _id,
    iat: _time,
    ...claims
  } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as {
    [claim: string]: unknown;
  };
  return JSON.stringify(claims);
};

/**
 * The installation's NATS accounts: one for the services, which has all streams, and one for the API at the edge, for each
 * worker and each integrating tenant, which may use a few subjects of it. A folder of their keys is all there is to know.
 */
export class NatsAccounts {
  readonly #keys: string;

  /** @param keys the folder */
  constructor(keys: string) {
    this.#keys = keys;
  }

  async #key(name: string, make: () => NatsKey): Promise<NatsKey> {
    const seed = await keep(join(this.#keys, name), () => make().getSeed());
    return nkeys.fromSeed(new Uint8Array(seed));
  }

  #account(role: NatsRole): Promise<NatsKey> {
    return this.#key(seedOf(role), () => nkeys.createAccount());
  }

  /** Writes credentials of the role, and makes its account, unless they are there. Servers have to be told: `config`. */
  async addUser(file: string, role: NatsRole): Promise<void> {
    const account = await this.#account(role);
    await keep(file, () => userCredentials(account, nkeys.createUser(), role, nameOf(role), nowSeconds()));
  }

  /** Signs credentials again, for the same user key, with what the role may do today. @returns the file */
  async renewUser(file: string, role: NatsRole): Promise<string> {
    await this.addUser(file, role);
    const seed = /^SU[A-Z2-7]{56}$/m.exec((await readSecret(file))?.toString('utf8') ?? '')?.[0];
    if (seed === undefined) throw new InstallationError(`${file} holds no NATS user: remove it, and a new one is made`);
    const user = nkeys.fromSeed(new TextEncoder().encode(seed));
    await write(file, userCredentials(await this.#account(role), user, role, nameOf(role), nowSeconds()));
    return file;
  }

  /** Takes the account away: once the servers know, its credentials are worth nothing. */
  async remove(role: OutsideRole): Promise<void> {
    await rm(join(this.#keys, seedOf(role)), { force: true });
  }

  /** Who has an account besides the services. */
  async outside(): Promise<OutsideRole[]> {
    const roles: OutsideRole[] = (await this.#seeds()).includes('edge') ? [{ role: 'edge' }] : [];
    for (const pop of await list(join(this.#keys, 'workers'))) {
      for (const worker of await this.#seeds('workers', pop)) roles.push({ role: 'worker', pop, worker });
    }
    for (const tenant of await this.#seeds('integrators')) roles.push({ role: 'integrator', tenant });
    return roles;
  }

  async #seeds(...path: string[]): Promise<string[]> {
    const names = await list(join(this.#keys, ...path));
    return names.filter((name) => name.endsWith(SEED)).map((name) => name.slice(0, -SEED.length));
  }

  /**
   * The part of the servers' configuration that says who may connect.
   *
   * @param before what it was: a JWT that says the same is kept, so that nothing changes where nothing has to
   */
  async config(before: string): Promise<string> {
    const operator = await this.#key(`operator${SEED}`, () => nkeys.createOperator());
    const system = await this.#key(`system${SEED}`, () => nkeys.createAccount());
    const known = new Map((before.match(/[\w-]+\.[\w-]+\.[\w-]+/g) ?? []).map((jwt) => [lasting(jwt), jwt]));
    const signed = (jwt: string): string => known.get(lasting(jwt)) ?? jwt;
    const accounts = [{ key: system, options: { name: 'system', jetstream: false } }, ...(await this.#accounts())];
    const lines = accounts.map(({ key, options }) => {
      const id = key.getPublicKey();
      return `  ${id}: ${signed(accountJwt(operator, id, options, nowSeconds()))}`;
    });
    return `# Who may connect. Written by \`cloudbridge installation\`; servers read it again on SIGHUP.
operator: ${signed(operatorJwt(operator, system.getPublicKey(), nowSeconds()))}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
${lines.join('\n')}
}
`;
  }

  async #accounts(): Promise<{ key: NatsKey; options: AccountOptions }[]> {
    const services = await this.#account({ role: 'services' });
    const from = services.getPublicKey();
    const outside = await Promise.all(
      (await this.outside()).map(async (role) => ({ role, key: await this.#account(role) })),
    );
    const takes = outside.flatMap(({ role, key }) =>
      sharedBy(role).map((one) => ({ ...one, from: key.getPublicKey() })),
    );
    return [
      { key: services, options: { name: 'cloudbridge', jetstream: true, shares: SHARED_BY_SERVICES, takes } },
      ...outside.map(({ role, key }) => ({
        key,
        options: {
          name: nameOf(role),
          jetstream: false,
          shares: sharedBy(role),
          takes: takenBy(role).map((one) => ({ ...one, from })),
          ...(role.role === 'integrator' && { connections: INTEGRATOR_CONNECTIONS }),
        },
      })),
    ];
  }
}

const nameOf = (role: NatsRole): string => {
  if (role.role === 'worker') return `worker ${role.pop}/${role.worker}`;
  return role.role === 'integrator' ? `integrator ${role.tenant}` : role.role;
};

/** Brings the servers' files about accounts up to date. @returns whether something changed */
export const writeAccounts = async (accounts: NatsAccounts, files: readonly string[]): Promise<boolean> => {
  const before = await Promise.all(files.map(async (file) => (await read(file))?.toString('utf8') ?? ''));
  const config = await accounts.config(before[0] ?? '');
  const stale = files.filter((_, i) => before[i] !== config);
  for (const file of stale) await write(file, config);
  return stale.length > 0;
};
