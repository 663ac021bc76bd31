import { createContextKey } from '@connectrpc/connect';

/** Who calls, as its token says. */
export interface Caller {
  /** Of the identity provider: a user, a service account, or a service of this installation. */
  readonly subject: string;
  readonly roles: ReadonlySet<string>;
  /** The identity provider's organisation that the roles are given for. */
  readonly organisation?: string;
}

/**
 * Says who a bearer token belongs to.
 *
 * @throws TokenError when the token is not valid; anything else is a failure of the check itself
 */
export type VerifyToken = (token: string) => Promise<Caller>;

/** The token is not valid; the message says why and may be shown. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

export const Role = {
  /** May everything. */
  operator: 'operator',
  /** May manage the tenants of its organisation. */
  tenantAdmin: 'tenant-admin',
} as const;

/** Where the handlers find the caller. */
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });
