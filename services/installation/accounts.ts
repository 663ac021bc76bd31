import { randomBytes } from 'node:crypto';
import { findByUserName } from '#services/auth/accounts.ts';
import { AdminError, IdentityAdmin, type ServiceAccountKey } from '#services/auth/admin.ts';
import { ensureIdentity } from '#services/auth/bootstrap.ts';
import { Role } from '#services/authn/caller.ts';
import { readServicesConfig } from '#services/process/config.ts';
import { connectStore } from '#services/process/nats.ts';
import { readInstallationKey } from '#services/store/installation-key.ts';
import { Sealer } from '#services/store/seal.ts';

/** A person who can sign in. */
export interface CreatedPerson {
  readonly userId: string;
  readonly password: string;
}

/** What was created: keys and passwords are shown here and nowhere again. */
export interface CreatedAccounts {
  readonly project: string;
  readonly organisation: string;
  /** Of service accounts, by name. */
  readonly keys: Readonly<Record<string, ServiceAccountKey>>;
  /** By name. */
  readonly people: Readonly<Record<string, CreatedPerson>>;
}

export interface NewAccount {
  readonly name: string;
  readonly kind: 'person' | 'service';
  /** What it may do beyond its own things. */
  readonly roles: readonly string[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const PASSWORD_BYTES = 18;

/** @param text `NAME` or `NAME:ROLE` @throws AdminError */
export const parseAccount = (text: string, kind: NewAccount['kind']): NewAccount => {
  const [name = '', ...roles] = text.split(':');
  const known: readonly string[] = Object.values(Role);
  if (!NAME.test(name))
    throw new AdminError(`\`${name}\` is no name for an account: use letters, digits and . _ @ -, at most 64`);
  if (roles.length > 1 || roles.some((role) => !known.includes(role)))
    throw new AdminError(`\`${text}\` names no role: write NAME or NAME:ROLE with one of ${known.join(', ')}`);
  return { name, kind, roles };
};

/**
 * Creates accounts in the built-in identity provider, in the store itself: no service has to run.
 *
 * @param file configuration of the services
 * @param report is told what NATS refuses meanwhile
 * @throws AdminError when a name is taken: then none is created
 */
export const createAccounts = async (
  file: string,
  accounts: readonly NewAccount[],
  report: (error: unknown) => void,
): Promise<CreatedAccounts> => {
  const config = readServicesConfig(file, '--config');
  const sealer = await Sealer.create(await readInstallationKey(config.installation_key));
  const nats = await connectStore(config, 'cloudbridge-accounts', report);
  try {
    const { records, settings } = await ensureIdentity(nats, sealer);
    for (const { name } of accounts) {
      if ((await findByUserName(records, name)) !== undefined) throw new AdminError(`there is a user ${name} already`);
    }
    const admin = new IdentityAdmin(records);
    const { projectId: project, organisationId: organisation } = settings;
    const keys: Record<string, ServiceAccountKey> = {};
    const people: Record<string, CreatedPerson> = {};
    for (const { name, kind, roles } of accounts) {
      const account = { userName: name, displayName: name, organisation, roles };
      if (kind === 'service') keys[name] = (await admin.createServiceAccount(account)).key;
      else {
        const password = randomBytes(PASSWORD_BYTES).toString('base64url');
        people[name] = { userId: (await admin.createPerson(account, password)).id, password };
      }
    }
    return { project, organisation, keys, people };
  } finally {
    await nats.close();
  }
};
