import { importPKCS8, SignJWT } from 'jose';
import * as oauth from 'openid-client';

/** An identity provider: CloudBridge's own or a Zitadel. */
export interface OAuthSettings {
  /** Exactly as it names itself. */
  readonly issuer: string;
  /** ID of the project that access tokens are for. */
  readonly project: string;
  /** Of the program; service accounts need none. */
  readonly clientId: string;
  /** Plain HTTP, for an issuer on this machine or in a lab. */
  readonly allowHttp?: boolean;
  /** Instead of the runtime's own, for other authorities and routes. */
  readonly fetch?: oauth.CustomFetch | undefined;
}

/** What a sign-in gave. */
export interface Granted {
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  readonly lifetimeMs: number;
  /** To go on without the person; each is good once. */
  readonly refreshToken?: string;
}

/** Gives access tokens that are still good for a while. */
export interface AccessTokens {
  /**
   * @param refused one that somebody turned down: another is wanted
   * @throws OAuthFailure
   */
  accessToken(refused?: string): Promise<string>;
}

/** A service account's key file, as Zitadel and CloudBridge make it. */
export interface ServiceAccountKey {
  readonly keyId: string;
  /** PKCS #8 in PEM, or PKCS #1 as older Zitadels wrote it (which must be converted first). */
  readonly key: string;
  readonly userId: string;
}

/** Why there is no token: one sentence that names the cause. */
export class OAuthFailure extends Error {
  override readonly name = 'OAuthFailure';
  /** Whether the same may work in a moment; else a person must do something. */
  readonly temporary: boolean;
  /** The error code of OAuth, where there was an answer. */
  readonly code: string | undefined;

  constructor(message: string, temporary: boolean, code?: string, cause?: unknown) {
    super(message, { cause });
    this.temporary = temporary;
    this.code = code;
  }
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TIMEOUT_SECONDS = 10;
const ASSERTION_LIFETIME = '5m';

export const scopeOf = ({ project }: OAuthSettings): string =>
  `openid profile offline_access urn:zitadel:iam:org:projects:roles urn:zitadel:iam:org:project:id:${project}:aud`;

/** What went wrong, for a person. @param what such as `the sign-in` */
export const asOAuthFailure = (what: string, error: unknown): OAuthFailure => {
  if (error instanceof OAuthFailure) return error;
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError) {
    const { error: code, error_description: description } = error;
    const status = error instanceof oauth.ResponseBodyError ? error.status : 400;
    const temporary = status === 429 || status >= 500 || code === 'temporarily_unavailable';
    return new OAuthFailure(`${what} was refused: ${description ?? code}`, temporary, code, error);
  }
  // RFC 6750 §3: a resource turned the token down.
  if (error instanceof oauth.WWWAuthenticateChallengeError && error.status === 401)
    return new OAuthFailure(`${what} was refused: the access token is not valid`, false, 'invalid_token', error);
  const { cause, message } = error as { cause?: { message?: string; name?: string }; message?: string };
  if (cause?.name === 'TimeoutError')
    return new OAuthFailure(`${what} failed: no answer within ${TIMEOUT_SECONDS} s`, true, undefined, error);
  const isNetwork = error instanceof TypeError;
  const status = (cause as { status?: number } | undefined)?.status ?? 0;
  const reason = cause?.message ?? message ?? String(error);
  return new OAuthFailure(`${what} failed: ${reason}`, isNetwork || status >= 500 || status === 429, undefined, error);
};

/** Reads the issuer's description. */
export const discover = (settings: OAuthSettings): Promise<oauth.Configuration> =>
  discoverServer(settings.issuer, settings.clientId, settings, 'oidc');

/** @param kind where the description lies: OpenID Connect Discovery or RFC 8414 */
export const discoverServer = async (
  issuer: string,
  clientId: string,
  { allowHttp, fetch }: Pick<OAuthSettings, 'allowHttp' | 'fetch'>,
  kind: 'oidc' | 'oauth2',
): Promise<oauth.Configuration> => {
  try {
    // An assertion or a subject token says who calls; a public client has nothing to show.
    const authentication: oauth.ClientAuth = clientId === '' ? () => undefined : oauth.None();
    return await oauth.discovery(new URL(issuer), clientId || 'none', undefined, authentication, {
      algorithm: kind,
      timeout: TIMEOUT_SECONDS,
      execute: allowHttp ? [oauth.allowInsecureRequests] : [],
      ...(fetch && { [oauth.customFetch]: fetch }),
    });
  } catch (error) {
    throw asOAuthFailure(`asking ${issuer} what it can do`, error);
  }
};

export const toGranted = (answer: oauth.TokenEndpointResponse, nowMs = Date.now()): Granted => {
  const lifetimeMs = (answer.expires_in ?? 300) * 1000;
  return {
    accessToken: answer.access_token,
    lifetimeMs,
    expiresAtMs: nowMs + lifetimeMs,
    ...(answer.refresh_token !== undefined && { refreshToken: answer.refresh_token }),
  };
};

/** Keeps what was granted until it is about to end, and then asks once for all who wait. */
export class Renewing {
  readonly #grant: (last: Granted | undefined) => Promise<Granted>;
  readonly #now: () => number;
  #last: Granted | undefined;
  #running: Promise<Granted> | undefined;

  /** @param now milliseconds since 1970 */
  constructor(grant: (last: Granted | undefined) => Promise<Granted>, first?: Granted, now: () => number = Date.now) {
    this.#grant = grant;
    this.#last = first;
    this.#now = now;
  }

  /** @param refused a token that somebody turned down: another one is wanted */
  async get(refused?: string): Promise<string> {
    const last = this.#last;
    const left = last === undefined ? 0 : last.expiresAtMs - this.#now();
    const isGood = last !== undefined && last.accessToken !== refused;
    // A fifth of its life, so that one that is given out lives on for a while.
    if (isGood && left > last.lifetimeMs / 5) return last.accessToken;
    try {
      return (await this.#renew()).accessToken;
    } catch (error) {
      if (isGood && left > 0 && error instanceof OAuthFailure && error.temporary) return last.accessToken;
      throw error;
    }
  }

  #renew(): Promise<Granted> {
    this.#running ??= this.#grant(this.#last)
      .then((granted) => {
        this.#last = granted;
        return granted;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }
}

/** A service account signs in by its key (RFC 7523). */
export const serviceAccountGrant = async (
  settings: Omit<OAuthSettings, 'clientId'>,
  key: ServiceAccountKey,
): Promise<Granted> => {
  const server = await discover({ ...settings, clientId: '' });
  try {
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: key.keyId })
      .setIssuer(key.userId)
      .setSubject(key.userId)
      .setAudience(settings.issuer)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime(ASSERTION_LIFETIME)
      .sign(await importPKCS8(key.key, 'RS256'));
    const scope = scopeOf({ ...settings, clientId: '' }).replace(' offline_access', '');
    return toGranted(await oauth.genericGrantRequest(server, JWT_BEARER, { assertion, scope }));
  } catch (error) {
    throw asOAuthFailure(`the sign-in of service account ${key.userId}`, error);
  }
};

/** Signs in again whenever its token is about to end. */
export const serviceAccountTokens = (
  settings: Omit<OAuthSettings, 'clientId'>,
  key: ServiceAccountKey,
): AccessTokens => {
  const renewing = new Renewing(() => serviceAccountGrant(settings, key));
  return { accessToken: (refused) => renewing.get(refused) };
};

/** Goes on after a person's sign-in. Keep the refresh token of the answer before anything else: each is good once. */
export const refreshGrant = async (settings: OAuthSettings, refreshToken: string | undefined): Promise<Granted> => {
  if (refreshToken === undefined) throw new OAuthFailure('the sign-in has ended: sign in again', false);
  const server = await discover(settings);
  try {
    return { refreshToken, ...toGranted(await oauth.refreshTokenGrant(server, refreshToken)) };
  } catch (error) {
    if ((error as { error?: string }).error !== 'invalid_grant')
      throw asOAuthFailure('the refresh of the sign-in', error);
    throw new OAuthFailure('the sign-in has ended: sign in again', false, 'invalid_grant', error);
  }
};

/**
 * Goes on after a person's sign-in, again and again.
 *
 * @param save keeps the next refresh token: it is called before anything else is done with it, for each is good once
 */
export const refreshedTokens = (
  settings: OAuthSettings,
  start: Granted | { readonly refreshToken: string },
  save: (refreshToken: string) => Promise<void>,
): AccessTokens => {
  let { refreshToken } = start;
  const refresh = async (): Promise<Granted> => {
    const granted = await refreshGrant(settings, refreshToken);
    if (granted.refreshToken !== undefined && granted.refreshToken !== refreshToken) {
      refreshToken = granted.refreshToken;
      await save(granted.refreshToken);
    }
    return granted;
  };
  const renewing = new Renewing(refresh, 'accessToken' in start ? start : undefined);
  return { accessToken: (refused) => renewing.get(refused) };
};

/** Whose access token this is, as the issuer says (OpenID Connect Core 1.0 §5.3). @throws OAuthFailure */
export const whoIs = async (
  settings: OAuthSettings,
  accessToken: string,
): Promise<Readonly<Record<string, unknown>>> => {
  const server = await discover(settings);
  try {
    return await oauth.fetchUserInfo(server, accessToken, oauth.skipSubjectCheck);
  } catch (error) {
    throw asOAuthFailure('asking who is signed in', error);
  }
};

/** Ends a sign-in at the issuer (RFC 7009): nobody goes on with this refresh token. @throws OAuthFailure */
export const endSignIn = async (settings: OAuthSettings, refreshToken: string): Promise<void> => {
  const server = await discover(settings);
  try {
    await oauth.tokenRevocation(server, refreshToken, { token_type_hint: 'refresh_token' });
  } catch (error) {
    throw asOAuthFailure('ending the sign-in', error);
  }
};
