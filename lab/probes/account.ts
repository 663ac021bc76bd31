import { importPKCS8, SignJWT } from 'jose';

/** A service account of the identity provider. */
export interface Account {
  /** Exactly as it stands in tokens. */
  readonly issuer: string;
  readonly project: string;
  /** As the identity provider gave it. */
  readonly key: { readonly keyId: string; readonly key: string; readonly userId: string };
}

/** Whose token for which device, and where. */
export interface Exchange {
  /** Of the token service. */
  readonly url: string;
  readonly tenant: string;
  readonly device: string;
}

/** An answer that is no success. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(url: string, status: number, body: unknown) {
    super(`${url} answered ${status}: ${JSON.stringify(body)}`);
    this.status = status;
  }
}

const askForToken = async (url: string, fields: Record<string, string>): Promise<string> => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Refused(url, response.status, body);
  return body.access_token;
};

/** JWT bearer grant (RFC 7523), as Zitadel's service accounts use it. */
export const accessToken = async ({ issuer, project, key }: Account): Promise<string> => {
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: key.keyId })
    .setIssuer(key.userId)
    .setSubject(key.userId)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(await importPKCS8(key.key, 'RS256'));
  return askForToken(`${issuer}/oauth/v2/token`, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion,
    scope: `openid urn:zitadel:iam:org:projects:roles urn:zitadel:iam:org:project:id:${project}:aud`,
  });
};

/** A device's token for an access token of its owner (RFC 8693). */
export const deviceToken = (access: string, { url, tenant, device }: Exchange): Promise<string> =>
  askForToken(url, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: access,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: `urn:cloudbridge:device:${tenant}/${device}`,
  });
