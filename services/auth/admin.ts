import { createHash, randomBytes, randomInt } from 'node:crypto';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import type { AllClientMetadata } from 'oidc-provider';
import { ConflictError } from '#services/store/errors.ts';
import {
  type Account,
  type AccountKey,
  accountKey,
  type Organisation,
  organisationKey,
  userNameKey,
} from './accounts.ts';
import { clientKey, createAdapterFactory } from './adapter.ts';
import { hashPassword } from './password.ts';
import type { Records } from './records.ts';

/** What was asked for cannot be done; the message says why. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
}

export interface NewAccount {
  readonly userName: string;
  readonly displayName: string;
  readonly email?: string;
  readonly organisation: string;
  readonly roles: readonly string[];
}

/** A service account's key in Zitadel's file format; the private half is shown here and nowhere again. */
export interface ServiceAccountKey {
  readonly type: 'serviceaccount';
  readonly keyId: string;
  /** PKCS #8 in PEM. */
  readonly key: string;
  readonly expirationDate: string;
  readonly userId: string;
}

export type ClientKind =
  /** A program on somebody's machine: no secret, code with PKCE to a loopback address, device flow. */
  | 'native'
  /** A program in a browser: no secret, code with PKCE. */
  | 'browser'
  /** A service with a secret that people sign in to. */
  | 'web'
  /** Asks about tokens. */
  | 'api';

export interface NewClient {
  readonly id?: string;
  readonly name: string;
  readonly kind: ClientKind;
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
}

const MIN_PASSWORD = 12;
const MAX_PASSWORD = 256;
const YEAR_SECONDS = 365 * 86_400;
/** What PATs are issued to. */
export const PAT_CLIENT = 'cloudbridge-pat';

const newId = (): string => `3${Array.from({ length: 17 }, () => randomInt(10)).join('')}`;
const secret = (): string => randomBytes(32).toString('base64url');
/** A secret of 256 random bits needs no slow hash. */
export const hashSecret = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** What set-up and operators do with accounts; works on the store, so it needs no running issuer. */
export class IdentityAdmin {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  async createOrganisation(name: string, domain: string): Promise<Organisation> {
    const organisation = { id: newId(), name, domain };
    const change = await this.#records.change(organisationKey(organisation.id), organisation, { ifRevision: 0 });
    await this.#records.store.commit([change]);
    return organisation;
  }

  /** @throws AdminError when the name is taken or the password too short */
  async createPerson(account: NewAccount, password: string): Promise<Account> {
    const passwordHash = await hashPassword(checked(password));
    return this.#create({ ...account, id: newId(), kind: 'person', passwordHash, keys: [], disabled: false });
  }

  async setPassword(id: string, password: string): Promise<void> {
    const passwordHash = await hashPassword(checked(password));
    await this.#change(id, (account) => ({ ...account, passwordHash }));
  }

  /** @returns the account and its first key */
  async createServiceAccount(account: NewAccount): Promise<{ account: Account; key: ServiceAccountKey }> {
    const id = newId();
    const { stored, key } = await makeKey(id, YEAR_SECONDS);
    const created = await this.#create({ ...account, id, kind: 'service', keys: [stored], disabled: false });
    return { account: created, key };
  }

  async addServiceAccountKey(id: string, lifetimeSeconds = YEAR_SECONDS): Promise<ServiceAccountKey> {
    const { stored, key } = await makeKey(id, lifetimeSeconds);
    await this.#change(id, (account) => {
      if (account.kind !== 'service')
        throw new AdminError(`${account.userName} is a person: only service accounts have keys`);
      return { ...account, keys: [...account.keys, stored] };
    });
    return key;
  }

  async removeServiceAccountKey(id: string, keyId: string): Promise<void> {
    await this.#change(id, (account) => ({ ...account, keys: account.keys.filter((key) => key.keyId !== keyId) }));
  }

  /** A secret for client credentials: the service account's ID is the client's. @returns the secret, once */
  async createServiceSecret(id: string): Promise<string> {
    const { value: account } = await this.#records.read<Account>(accountKey(id));
    if (account?.kind !== 'service') throw new AdminError(`${id} is not a service account`);
    const clientSecret = secret();
    await this.#putClient({
      client_id: id,
      client_name: account.displayName,
      client_secret: hashSecret(clientSecret),
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    });
    return clientSecret;
  }

  async setRoles(id: string, roles: readonly string[]): Promise<void> {
    await this.#change(id, (account) => ({ ...account, roles }));
  }

  /** Nothing is issued to it any more; tokens that it has live to their end, an hour at most. */
  async disable(id: string): Promise<void> {
    await this.#change(id, (account) => ({ ...account, disabled: true }));
  }

  /** @returns the client's ID and, unless it is public, its secret, once */
  async createClient(client: NewClient): Promise<{ clientId: string; clientSecret?: string }> {
    const clientId = client.id ?? newId();
    const clientSecret = client.kind === 'web' || client.kind === 'api' ? secret() : undefined;
    await this.#putClient(clientMetadata(client, clientId, clientSecret));
    return { clientId, ...(clientSecret !== undefined && { clientSecret }) };
  }

  /** A personal access token: opaque, checked by introspection. @returns the token, once */
  async createPat(accountId: string, project: string, lifetimeSeconds: number): Promise<string> {
    const token = secret();
    const iat = Math.floor(Date.now() / 1000);
    const payload = {
      kind: 'AccessToken',
      jti: token,
      iat,
      exp: iat + lifetimeSeconds,
      accountId,
      clientId: PAT_CLIENT,
      aud: project,
      scope: 'openid',
    };
    await createAdapterFactory(this.#records)('AccessToken').upsert(token, payload, lifetimeSeconds);
    return token;
  }

  async revokePat(token: string): Promise<void> {
    await createAdapterFactory(this.#records)('AccessToken').destroy(token);
  }

  async #create(account: Account): Promise<Account> {
    const name = await userNameKey(this.#records, account.userName);
    const { value, revision } = await this.#records.read(name);
    const taken = new AdminError(`there is a user ${account.userName} already`);
    if (value !== undefined) throw taken;
    const changes = await Promise.all([
      this.#records.change(accountKey(account.id), account, { ifRevision: 0 }),
      this.#records.change(name, { id: account.id }, { ifRevision: revision }),
    ]);
    try {
      await this.#records.store.commit(changes);
      return account;
    } catch (error) {
      throw error instanceof ConflictError ? taken : error;
    }
  }

  async #change(id: string, decide: (account: Account) => Account): Promise<void> {
    await this.#records.update<Account>(accountKey(id), decide, () => new AdminError(`there is no account ${id}`));
  }

  async #putClient(metadata: AllClientMetadata & { client_id: string }): Promise<void> {
    await this.#records.store.commit([await this.#records.change(clientKey(metadata.client_id), metadata)]);
  }
}

const checked = (password: string): string => {
  if (password.length < MIN_PASSWORD || password.length > MAX_PASSWORD)
    throw new AdminError(`a password has ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`);
  return password;
};

const makeKey = async (
  userId: string,
  lifetimeSeconds: number,
): Promise<{ stored: AccountKey; key: ServiceAccountKey }> => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const keyId = newId();
  const expiresAt = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  return {
    stored: { keyId, publicJwk: { ...(await exportJWK(publicKey)), alg: 'RS256' }, expiresAt },
    key: {
      type: 'serviceaccount',
      keyId,
      key: await exportPKCS8(privateKey),
      expirationDate: new Date(expiresAt * 1000).toISOString(),
      userId,
    },
  };
};

/** The provider's description of a client (RFC 7591 §2). */
export const clientMetadata = (
  { name, kind, redirectUris = [], postLogoutRedirectUris = [] }: NewClient,
  clientId: string,
  clientSecret: string | undefined,
): AllClientMetadata & { client_id: string } => {
  const base = {
    client_id: clientId,
    client_name: name,
    ...(clientSecret !== undefined && { client_secret: hashSecret(clientSecret) }),
  };
  if (kind === 'api') return { ...base, grant_types: [], redirect_uris: [], response_types: [] };
  return {
    ...base,
    application_type: kind === 'native' ? 'native' : 'web',
    ...(kind !== 'web' && { token_endpoint_auth_method: 'none' }),
    grant_types: [
      'authorization_code',
      'refresh_token',
      ...(kind === 'native' ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
    ],
    redirect_uris: [...redirectUris],
    post_logout_redirect_uris: [...postLogoutRedirectUris],
    response_types: ['code'],
  };
};
