import { type OAuthSettings, whoIs } from '#client/oauth.ts';

/** Who an access token is of, as the issuer says now. */
export interface Identity {
  readonly subject: string;
  readonly name: string | undefined;
  readonly roles: readonly string[];
  /** The organisation that it belongs to. */
  readonly organisation: string | undefined;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** @throws OAuthFailure when the issuer does not take the token */
export const identityOf = async (settings: OAuthSettings, accessToken: string): Promise<Identity> => {
  const claims = await whoIs(settings, accessToken);
  const roles = claims[`urn:zitadel:iam:org:project:${settings.project}:roles`];
  return {
    subject: String(claims['sub']),
    name: textOf(claims['preferred_username']) ?? textOf(claims['name']),
    roles: Object.keys(roles ?? {}).sort(),
    organisation: textOf(claims['urn:zitadel:iam:user:resourceowner:id']),
  };
};

/** `olga (operator)`. */
export const describeIdentity = ({ name, subject, roles }: Identity): string =>
  `${name ?? subject} (${roles.join(', ') || 'no role'})`;
