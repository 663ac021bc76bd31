/**
 * Creates service accounts in the built-in identity provider: `node scripts/installation/accounts.ts SERVICES.toml NAME[:ROLE]…`.
 * Prints one JSON object: project, and each account's key by its name. A key is shown here and nowhere again.
 */
import { IdentityAdmin, type ServiceAccountKey } from '#services/auth/admin.ts';
import { ensureIdentity } from '#services/auth/bootstrap.ts';
import { readServicesConfig } from '#services/process/config.ts';
import { connectStore } from '#services/process/nats.ts';
import { readInstallationKey } from '#services/store/installation-key.ts';
import { Sealer } from '#services/store/seal.ts';

/** What was created. */
export interface CreatedAccounts {
  readonly project: string;
  readonly organisation: string;
  readonly keys: Readonly<Record<string, ServiceAccountKey>>;
}

const [file, ...names] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node scripts/installation/accounts.ts SERVICES.toml NAME[:ROLE]…');
const config = readServicesConfig(file);
const nats = await connectStore(config, 'cloudbridge-accounts');
const identity = await ensureIdentity(nats, await Sealer.create(await readInstallationKey(config.installation_key)));
const admin = new IdentityAdmin(identity.records);
const keys: Record<string, ServiceAccountKey> = {};
for (const text of names) {
  const [name = '', role] = text.split(':');
  const { key } = await admin.createServiceAccount({
    userName: name,
    displayName: name,
    organisation: identity.settings.organisationId,
    roles: role === undefined ? [] : [role],
  });
  keys[name] = key;
}
const { projectId: project, organisationId: organisation } = identity.settings;
console.log(JSON.stringify({ project, organisation, keys } satisfies CreatedAccounts));
await nats.close();
