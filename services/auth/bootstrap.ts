import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket } from '#model/names.ts';
import { API_CLIENT, builtInClient } from '#services/authn/built-in-client.ts';
import { ConflictError } from '#services/store/errors.ts';
import type { Sealer } from '#services/store/seal.ts';
import { ensureSigningKeys, type KeyRing, rotateSigningKeys } from '#services/store/signing-keys.ts';
import { Store } from '#services/store/store.ts';
import { organisationKey, SETTINGS_KEY, type Settings } from './accounts.ts';
import { clientKey } from './adapter.ts';
import { clientMetadata, type NewClient, PAT_CLIENT } from './admin.ts';
import { Records } from './records.ts';

/** Nothing that the issuer signs lives longer. */
export const MAX_TOKEN_SECONDS = 3600;

/** Keys of the issuer's tokens; the record lies in `cb_auth`. */
export const ISSUER_KEYS: KeyRing = {
  key: 'key.issuer',
  algorithms: ['RS256', 'ES256'],
  maxTokenSeconds: MAX_TOKEN_SECONDS,
};
/** Longer than verifiers keep a key set. */
const KEY_OVERLAP_SECONDS = 3600;

/** The clients that come with the installation. */
export const CLI_CLIENT = 'cloudbridge-cli';
/** A port of the moment is added to them (RFC 8252 §7.3). */
export const CLI_REDIRECTS = ['http://127.0.0.1/callback', 'http://[::1]/callback'];

export interface Identity {
  readonly records: Records;
  readonly settings: Settings;
}

const CLIENTS: readonly (NewClient & { readonly id: string })[] = [
  { id: CLI_CLIENT, name: 'CloudBridge command line', kind: 'native', redirectUris: CLI_REDIRECTS },
  { id: API_CLIENT, name: 'CloudBridge services', kind: 'api' },
  { id: PAT_CLIENT, name: 'Personal access tokens', kind: 'api' },
];

const chooseSettings = async (records: Records, name: string, domain: string): Promise<Settings> => {
  const { value, revision } = await records.read<Settings>(SETTINGS_KEY);
  if (value !== undefined) return value;
  const digits = () =>
    String(crypto.getRandomValues(new BigUint64Array(1))[0] as bigint)
      .padStart(20, '1')
      .slice(-17);
  const settings: Settings = { projectId: `3${digits()}`, organisationId: `2${digits()}` };
  const organisation = { id: settings.organisationId, name, domain };
  try {
    await records.store.commit(
      await Promise.all([
        records.change(organisationKey(settings.organisationId), organisation, { ifRevision: 0 }),
        records.change(SETTINGS_KEY, settings, { ifRevision: revision }),
      ]),
    );
    return settings;
  } catch (error) {
    if (error instanceof ConflictError) return chooseSettings(records, name, domain);
    throw error;
  }
};

/**
 * Makes what an installation's issuer needs, unless it is there: project, first organisation, signing keys, clients. May run
 * from many places at once, at every start.
 *
 * @param organisation the first one, whose members may be operators
 */
export const ensureIdentity = async (
  nats: NatsConnection,
  sealer: Sealer,
  organisation: { readonly name: string; readonly domain: string } = {
    name: 'CloudBridge',
    domain: 'cloudbridge.local',
  },
): Promise<Identity> => {
  const store = await Store.open(nats, Bucket.auth);
  const records = new Records(store, sealer);
  const settings = await chooseSettings(records, organisation.name, organisation.domain);
  await ensureSigningKeys(store, ISSUER_KEYS, sealer);
  for (const client of CLIENTS) {
    const { revision } = await records.read(clientKey(client.id));
    if (revision > 0) continue;
    const secret = client.kind === 'api' ? (await builtInClient(sealer, client.id)).clientSecret : undefined;
    const change = await records.change(clientKey(client.id), clientMetadata(client, client.id, secret), {
      ifRevision: 0,
    });
    await store.commit([change]).catch((error: unknown) => {
      if (!(error instanceof ConflictError)) throw error;
    });
  }
  return { records, settings };
};

/** By an operator's command: @see rotateSigningKeys. */
export const rotateIssuerKeys = ({ records }: Identity): Promise<number> =>
  rotateSigningKeys(records.store, ISSUER_KEYS, records.sealer, KEY_OVERLAP_SECONDS);
