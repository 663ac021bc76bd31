import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose';
import { CLOCK_TOLERANCE } from '#model/claims.ts';
import { type Caller, TokenError, type VerifyToken } from './caller.ts';
import { Introspection, type IntrospectionClient } from './introspection.ts';
import { type Fetch, Issuer, issuerUnavailable } from './issuer.ts';
import { callerFromClaims } from './zitadel-claims.ts';

export interface VerifierOptions {
  /** Exactly as in the tokens' `iss`. */
  readonly issuer: string;
  /** The project ID: what tokens must be for (`aud`), and whose roles count. */
  readonly project: string;
  /** Only roles `operator` of this organisation count; undefined: of any. */
  readonly operatorOrganisation?: string;
  /** Without it opaque tokens are refused. */
  readonly introspection?: IntrospectionClient;
  readonly fetch?: Fetch;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What an issuer may sign with; never a secret that both have, never nothing (RFC 8725 §3.1). */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];
/** A key that is not known makes the verifier ask again, this often at most. */
const REFETCH_MS = 5000;
const KEYS_FRESH_MS = 10 * 60_000;
/** For how long a key set is used that cannot be refreshed. */
const KEYS_KEPT_MS = 24 * 3_600_000;
const MAX_TOKEN_LENGTH = 16 * 1024;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** What went wrong, in words that a caller may see; undefined when it is not the token's fault. */
const explain = (error: unknown): string | undefined => {
  if (error instanceof errors.JWTExpired) return 'the access token has expired: get a new one';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'the access token is not for this project';
    if (error.claim === 'iss') return 'the access token is from another issuer';
    return `the access token is not valid: its ${error.claim}`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'the access token is signed with an algorithm that is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'the access token is signed with a key that its issuer does not have';
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return undefined;
  if (error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC') return 'the access token is not valid';
  return undefined;
};

/**
 * Checks access tokens of an OpenID provider that speaks as Zitadel does, ours or a real one: JWTs by its published keys,
 * opaque ones by introspection. Only Fetch and Web Crypto, so it runs in workerd too.
 */
export const createVerifier = (options: VerifierOptions): VerifyToken => {
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const now = options.now ?? (() => Date.now());
  const issuer = new Issuer(options.issuer, fetch, now);
  const toCaller = (claims: Readonly<Record<string, unknown>>): Caller => {
    checkTimes(claims, now() / 1000);
    checkAudience(claims, options.project);
    const caller = callerFromClaims(claims, options.project, options.operatorOrganisation);
    if (caller === undefined) throw new TokenError('the access token says not who it is of');
    return caller;
  };
  const introspection =
    options.introspection && new Introspection({ issuer, client: options.introspection, fetch, now, toCaller });
  let keys: { readonly uri: string; readonly get: ReturnType<typeof createRemoteJWKSet> } | undefined;
  const keySet = async (): Promise<ReturnType<typeof createRemoteJWKSet>> => {
    const { jwksUri } = await issuer.metadata();
    if (keys?.uri !== jwksUri) {
      const settings = {
        cooldownDuration: REFETCH_MS,
        cacheMaxAge: KEYS_FRESH_MS,
        [customFetch]: keepLast(fetch, now) as never,
      };
      keys = { uri: jwksUri, get: createRemoteJWKSet(new URL(jwksUri), settings) };
    }
    return keys.get;
  };
  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw new TokenError('the access token is too long');
    if (!JWT.test(token)) {
      if (introspection === undefined) throw new TokenError('the access token is not a JWT');
      return introspection.verify(token);
    }
    return toCaller(await verifyJwt(token, await keySet(), options, now()));
  };
};

/** While the issuer does not answer, its last answer counts for some time: an outage there is none here at once. */
const keepLast = (fetch: Fetch, now: () => number): Fetch => {
  let last: { readonly body: string; readonly at: number } | undefined;
  return async (url, init) => {
    try {
      const response = await fetch(url, init);
      if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
      last = { body: await response.text(), at: now() };
    } catch (error) {
      if (last === undefined || now() - last.at > KEYS_KEPT_MS) throw error;
    }
    return new Response(last.body, { headers: { 'content-type': 'application/json' } });
  };
};

const verifyJwt = async (
  token: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
  { issuer, project }: VerifierOptions,
  nowMs: number,
): Promise<JWTPayload> => {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      audience: project,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    checkType(protectedHeader.typ, payload);
    return payload;
  } catch (error) {
    if (error instanceof TokenError) throw error;
    const reason = explain(error);
    if (reason === undefined) throw issuerUnavailable(issuer, error);
    throw new TokenError(reason, { cause: error });
  }
};

/** RFC 9068 §2.1 has a type for access tokens, which Zitadel does not set: what only ID tokens have gives those away. */
const checkType = (type: string | undefined, payload: JWTPayload): void => {
  if (type !== undefined && /^(application\/)?at\+jwt$/i.test(type)) return;
  const isIdToken = ['nonce', 'at_hash', 'c_hash'].some((claim) => payload[claim] !== undefined);
  if (isIdToken || (type !== undefined && !/^jwt$/i.test(type)))
    throw new TokenError('this is not an access token: send the access token, not the ID token');
};

const checkTimes = ({ iat, nbf }: Readonly<Record<string, unknown>>, nowSeconds: number): void => {
  for (const time of [iat, nbf]) {
    if (typeof time === 'number' && time > nowSeconds + CLOCK_TOLERANCE)
      throw new TokenError('the access token is from the future: is this clock right?');
  }
};

const checkAudience = ({ aud }: Readonly<Record<string, unknown>>, project: string): void => {
  if (aud !== project && !(Array.isArray(aud) && aud.includes(project)))
    throw new TokenError('the access token is not for this project');
};
