import type { default as Provider } from 'oidc-provider';
import type { RateLimit } from '#services/store/rate-limit.ts';
import { findUsable, profileClaims, roleClaims } from './accounts.ts';
import type { Context, Middleware } from './middleware.ts';
import type { Records } from './records.ts';
import { readAccessToken, type TokenKeys } from './tokens.ts';
import { orUnavailable } from './unavailable.ts';

interface Options {
  readonly provider: Provider;
  readonly records: Records;
  readonly keys: () => TokenKeys;
}

/** Of whose token this is, JWT or opaque. */
const subjectOf = async (
  { provider, keys }: Options,
  token: string,
): Promise<{ sub: string; scope: string } | undefined> => {
  const claims = await readAccessToken(keys(), token);
  if (typeof claims?.sub === 'string') return { sub: claims.sub, scope: String(claims['scope'] ?? '') };
  const stored = token.includes('.') ? undefined : await provider.AccessToken.find(token);
  if (stored === undefined || !stored.isValid) return undefined;
  return { sub: stored.accountId, scope: stored.scope ?? '' };
};

/**
 * OpenID Connect Core 1.0 §5.3. The provider's own takes only tokens without an audience; Zitadel's, and this one, take the
 * access token that every other call takes.
 */
export const userinfo =
  (options: Options, path: string): Middleware =>
  async (ctx, next) => {
    if (ctx.path !== path || (ctx.method !== 'GET' && ctx.method !== 'POST')) return next();
    ctx.set('cache-control', 'no-store');
    const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(ctx.get('authorization'))?.[1];
    const found = token === undefined ? undefined : await subjectOf(options, token);
    const account = found && (await orUnavailable(findUsable(options.records, found.sub)));
    if (found === undefined || account === undefined) {
      ctx.status = 401;
      const code = token === undefined ? '' : ', error="invalid_token"';
      ctx.set('www-authenticate', `Bearer realm="${options.keys().issuer}"${code}`);
      ctx.body = { error: 'invalid_token', error_description: 'send a valid access token' };
      return;
    }
    const scopes = new Set(found.scope.split(' '));
    const roles = await orUnavailable(roleClaims(options.records, options.keys().project, account));
    ctx.body = { ...profileClaims(account, scopes), ...roles };
  };

interface IntrospectingClient {
  readonly tokenEndpointAuthMethod?: string | undefined;
  readonly grantTypes?: readonly string[] | undefined;
}

/** Only what exists for it, and shows a secret: nobody learns of others' tokens by the secret that gets it its own. */
export const mayIntrospect = ({ tokenEndpointAuthMethod, grantTypes = [] }: IntrospectingClient): boolean =>
  tokenEndpointAuthMethod !== 'none' && grantTypes.length === 0;

/**
 * Completes introspection (RFC 7662): the provider refuses JWTs, and what it says of an opaque token's roles would be from
 * the day that the token was made.
 */
export const introspection =
  (options: Options): Middleware =>
  async (ctx, next) => {
    await next();
    const { oidc } = ctx as Context & {
      oidc?: { route?: string; client?: IntrospectingClient; params?: { token?: unknown } };
    };
    if (oidc?.route !== 'introspection' || oidc.client === undefined) return;
    const body = ctx.body as { error?: string; active?: boolean; sub?: string } | undefined;
    if (body?.error === 'unsupported_token_type') {
      const claims = mayIntrospect(oidc.client)
        ? await readAccessToken(options.keys(), String(oidc.params?.token))
        : undefined;
      ctx.status = 200;
      ctx.body = claims === undefined ? { active: false } : { active: true, token_type: 'Bearer', ...claims };
    }
    const { active, sub } = ctx.body as { active?: boolean; sub?: string };
    if (active !== true || sub === undefined) return;
    const account = await orUnavailable(findUsable(options.records, sub));
    const roles = account && (await orUnavailable(roleClaims(options.records, options.keys().project, account)));
    ctx.body =
      account === undefined ? { active: false } : { ...(ctx.body as object), username: account.userName, ...roles };
  };

/** The provider fails at a form of its device pages that comes without the session that it was shown in: start again. */
export const restartWithoutSession =
  (path: string, cookie: string): Middleware =>
  async (ctx, next) => {
    const isStart = ctx.path === path && ctx.method === 'GET';
    const isDevicePage = ctx.path === path || ctx.path.startsWith(`${path}/`);
    if (isStart || !isDevicePage || ctx.cookies.get(cookie, { signed: true }) !== undefined) return next();
    ctx.redirect(path);
    ctx.status = 303;
  };

/** RFC 8628 §5.1: codes that people type are short, so nobody may try many. */
export const limitUserCodes =
  (limit: RateLimit, path: string): Middleware =>
  async (ctx, next) => {
    if (ctx.path !== path || ctx.method !== 'POST') return next();
    const taken = await orUnavailable(limit.take(ctx.ip));
    if (taken.allowed) return next();
    ctx.status = 429;
    ctx.set('retry-after', String(taken.retryAfterSeconds));
    ctx.body = 'Too many tries: wait some minutes.';
  };
