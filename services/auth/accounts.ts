import { rolesClaimOf } from '#services/authn/zitadel-claims.ts';
import type { Records } from './records.ts';

/** A public key that a service account signs its assertions with. */
export interface AccountKey {
  readonly keyId: string;
  readonly publicJwk: Readonly<{ [name: string]: unknown }>;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** A person or a service. */
export interface Account {
  /** What tokens call it (`sub`); digits, as Zitadel's. */
  readonly id: string;
  readonly kind: 'person' | 'service';
  readonly userName: string;
  readonly displayName: string;
  readonly email?: string;
  readonly organisation: string;
  readonly roles: readonly string[];
  readonly passwordHash?: string;
  readonly keys: readonly AccountKey[];
  readonly disabled: boolean;
}

export interface Organisation {
  readonly id: string;
  readonly name: string;
  /** Appears in the roles claims. */
  readonly domain: string;
}

/** Chosen once for the installation. */
export interface Settings {
  readonly projectId: string;
  readonly organisationId: string;
}

export const SETTINGS_KEY = 'settings.this';
export const accountKey = (id: string): string => `account.${Buffer.from(id).toString('base64url')}`;
export const organisationKey = (id: string): string => `organisation.${Buffer.from(id).toString('base64url')}`;

/** User names are the same in any case. */
export const userNameKey = async (records: Records, userName: string): Promise<string> =>
  `username.${await records.sealer.nameOf('username', userName.normalize('NFKC').toLowerCase())}`;

/** @returns undefined when it does not exist or may not sign in any more */
export const findUsable = async (records: Records, id: string): Promise<Account | undefined> => {
  const { value } = await records.read<Account>(accountKey(id));
  return value === undefined || value.disabled ? undefined : value;
};

export const findByUserName = async (records: Records, userName: string): Promise<Account | undefined> => {
  const { value } = await records.read<{ id: string }>(await userNameKey(records, userName));
  return value === undefined ? undefined : findUsable(records, value.id);
};

/** What Zitadel says of a user's roles, in both of its claims. */
export const roleClaims = async (
  records: Records,
  project: string,
  account: Account,
): Promise<{ [claim: string]: unknown }> => {
  const { value: organisation } = await records.read<Organisation>(organisationKey(account.organisation));
  const granted = { [account.organisation]: organisation?.domain ?? '' };
  const roles = Object.fromEntries(account.roles.map((role) => [role, granted]));
  return {
    'urn:zitadel:iam:org:project:roles': roles,
    [rolesClaimOf(project)]: roles,
    'urn:zitadel:iam:user:resourceowner:id': account.organisation,
    'urn:zitadel:iam:user:resourceowner:name': organisation?.name ?? '',
    'urn:zitadel:iam:user:resourceowner:primary_domain': organisation?.domain ?? '',
  };
};

/** Claims of a scope (OpenID Connect Core 1.0 §5.4). */
export const profileClaims = (account: Account, scopes: ReadonlySet<string>): { [claim: string]: unknown } => ({
  sub: account.id,
  ...(scopes.has('profile') && { name: account.displayName, preferred_username: account.userName }),
  ...(scopes.has('email') && account.email !== undefined && { email: account.email }),
});
