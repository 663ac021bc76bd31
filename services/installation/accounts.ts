import { IdentityAdmin, type ServiceAccountKey } from '#services/auth/admin.ts';
import { ensureIdentity } from '#services/auth/bootstrap.ts';
import { readServicesConfig } from '#services/process/config.ts';
import { connectStore } from '#services/process/nats.ts';
import { readInstallationKey } from '#services/store/installation-key.ts';
import { Sealer } from '#services/store/seal.ts';

/** What was created: a key is shown here and nowhere again. */
export interface CreatedAccounts {
  readonly project: string;
  readonly organisation: string;
  readonly keys: Readonly<Record<string, ServiceAccountKey>>;
}

/** What the account may do beyond its own things. */
export interface NewAccount {
  readonly name: string;
  readonly roles: readonly string[];
}

/**
 * Creates service accounts in the built-in identity provider.
 *
 * @param file configuration of the services
 * @param report is told what NATS refuses meanwhile
 */
export const createAccounts = async (
  file: string,
  accounts: readonly NewAccount[],
  report: (error: unknown) => void,
): Promise<CreatedAccounts> => {
  const config = readServicesConfig(file);
  const nats = await connectStore(config, 'cloudbridge-accounts', report);
  try {
    const identity = await ensureIdentity(
      nats,
      await Sealer.create(await readInstallationKey(config.installation_key)),
    );
    const admin = new IdentityAdmin(identity.records);
    const { projectId: project, organisationId: organisation } = identity.settings;
    const keys: Record<string, ServiceAccountKey> = {};
    for (const { name, roles } of accounts) {
      const { key } = await admin.createServiceAccount({ userName: name, displayName: name, organisation, roles });
      keys[name] = key;
    }
    return { project, organisation, keys };
  } finally {
    await nats.close();
  }
};
