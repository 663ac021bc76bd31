import { Readable } from 'node:stream';
import { decodeJwt, decodeProtectedHeader, importJWK, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';
import { CLOCK_TOLERANCE } from '#model/claims.ts';
import { ConflictError } from '#services/store/errors.ts';
import { type Account, findUsable, roleClaims } from './accounts.ts';
import { readBody } from './login.ts';
import type { Context, Middleware } from './middleware.ts';
import type { Records } from './records.ts';
import { signAccessToken, type TokenKeys } from './tokens.ts';
import { orUnavailable } from './unavailable.ts';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const MAX_BODY_BYTES = 56 * 1024;
/** Zitadel takes no older assertion; with `jti` it is taken once. */
const MAX_ASSERTION_SECONDS = 3600;

interface Options {
  readonly records: Records;
  readonly tokenPath: string;
  readonly lifetimeSeconds: number;
  readonly keys: () => TokenKeys;
}

/**
 * RFC 7523 §2.1 as Zitadel does it: the assertion alone says who calls (`iss` = `sub` = the service account, `kid` its key),
 * there is no client. The provider wants a client for every grant, so this one is answered in front of it.
 */
export const jwtBearer =
  (options: Options): Middleware =>
  async (ctx, next) => {
    if (ctx.path !== options.tokenPath || ctx.method !== 'POST' || !ctx.is('application/x-www-form-urlencoded'))
      return next();
    let body: Buffer;
    try {
      body = await readBody(ctx.req, MAX_BODY_BYTES);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      ctx.status = 413;
      ctx.body = { error: 'invalid_request', error_description: error.message };
      return;
    }
    const form = new URLSearchParams(body.toString());
    if (form.get('grant_type') !== JWT_BEARER) {
      ctx.req = replay(ctx, body);
      return next();
    }
    ctx.set('cache-control', 'no-store');
    try {
      if (form.getAll('assertion').length !== 1 || form.getAll('grant_type').length !== 1)
        throw new errors.InvalidRequest('send one assertion');
      ctx.body = await answer(options, form.get('assertion') as string, form.get('scope') ?? 'openid');
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      ctx.status = error.statusCode;
      ctx.body = { error: error.error, error_description: error.error_description };
    }
  };

/** The request once more for who comes next: its body was read already. */
const replay = ({ req }: Context, body: Buffer): Context['req'] => {
  const { headers, method, url, socket } = req;
  const again = Readable.from(body.length === 0 ? [] : [body], { objectMode: false });
  return Object.assign(again, { headers, method, url, socket }) as unknown as Context['req'];
};

const answer = async ({ records, lifetimeSeconds, keys }: Options, assertion: string, scope: string) => {
  const account = await checkAssertion(records, keys().issuer, assertion);
  const claims = { ...(await orUnavailable(roleClaims(records, keys().project, account))), scope };
  return {
    access_token: await signAccessToken(keys(), account.id, claims, lifetimeSeconds),
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    scope,
  };
};

const refuse = (reason: string): never => {
  const error = new errors.InvalidGrant(reason as never);
  error.error_description = reason;
  throw error;
};

/** RFC 7523 §3. */
const checkAssertion = async (records: Records, issuer: string, assertion: string): Promise<Account> => {
  const { kid, subject } = peek(assertion);
  const account = await orUnavailable(findUsable(records, subject));
  const key = account?.keys.find(({ keyId, expiresAt }) => keyId === kid && expiresAt > Date.now() / 1000);
  if (account === undefined || account.kind !== 'service' || key === undefined)
    return refuse('no such service account or key, or it has ended');
  let payload: JWTPayload;
  try {
    ({ payload } = await jwtVerify(assertion, await importJWK({ ...key.publicJwk }, 'RS256'), {
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      issuer: account.id,
      subject: account.id,
      audience: issuer,
      clockTolerance: CLOCK_TOLERANCE,
      maxTokenAge: MAX_ASSERTION_SECONDS,
      requiredClaims: ['exp', 'iat'],
    }));
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return refuse(`the assertion is not valid: ${error.message}`);
    throw error;
  }
  if (typeof payload.exp === 'number' && payload.exp > Date.now() / 1000 + MAX_ASSERTION_SECONDS + CLOCK_TOLERANCE)
    return refuse('the assertion lives too long');
  if (payload.jti !== undefined) await orUnavailable(useOnce(records, account.id, payload.jti));
  return account;
};

const peek = (assertion: string): { kid: string; subject: string } => {
  try {
    const { kid } = decodeProtectedHeader(assertion);
    const { iss, sub } = decodeJwt(assertion);
    if (typeof kid === 'string' && typeof sub === 'string' && iss === sub) return { kid, subject: sub };
  } catch {
    return refuse('the assertion is not a JWT');
  }
  return refuse('the assertion must have kid, and the account as iss and sub');
};

const useOnce = async (records: Records, account: string, jti: string): Promise<void> => {
  const key = `assertion.${await records.sealer.nameOf('assertion', account, jti)}`;
  const ttlSeconds = 2 * MAX_ASSERTION_SECONDS;
  try {
    await records.store.commit([await records.change(key, {}, { ifRevision: 0, ttlSeconds })]);
  } catch (error) {
    if (error instanceof ConflictError) refuse('the assertion was used before');
    throw error;
  }
};
