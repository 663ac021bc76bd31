import { timingSafeEqual } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import Provider, { type Configuration, errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { CLOCK_TOLERANCE } from '#model/claims.ts';
import { RateLimit } from '#services/store/rate-limit.ts';
import type { SigningKey } from '#services/store/signing-keys.ts';
import { findUsable, profileClaims, roleClaims } from './accounts.ts';
import { createAdapterFactory, GRANT_SECONDS } from './adapter.ts';
import { hashSecret } from './admin.ts';
import { type Identity, MAX_TOKEN_SECONDS } from './bootstrap.ts';
import { JWT_BEARER, jwtBearer } from './jwt-bearer.ts';
import { interactionPath, LoginPage } from './login.ts';
import type { Middleware } from './middleware.ts';
import { introspection, limitUserCodes, mayIntrospect, restartWithoutSession, userinfo } from './own-endpoints.ts';
import { escapeHtml, sendPage } from './pages.ts';
import type { Records } from './records.ts';
import { ROUTES } from './routes.ts';
import { orUnavailable } from './unavailable.ts';

export interface ProviderOptions {
  readonly identity: Identity;
  /** As clients reach it, without a slash at the end. */
  readonly issuer: string;
  readonly keys: readonly SigningKey[];
  /** Whether a proxy in front says who calls and by which scheme (`X-Forwarded-For`, `-Proto`). */
  readonly behindProxy: boolean;
  readonly cookieKey: string;
  readonly report: (error: unknown) => void;
}

const RESOURCE = 'urn:cloudbridge:api';
const SESSION_COOKIE = 'cb_session';
const DAY = 86_400;
/** Ends a refresh token that nobody uses. */
const REFRESH_SECONDS = 30 * DAY;
/** Seconds. */
const TTL = {
  AccessToken: MAX_TOKEN_SECONDS,
  ClientCredentials: MAX_TOKEN_SECONDS,
  IdToken: MAX_TOKEN_SECONDS,
  AuthorizationCode: 60,
  DeviceCode: 600,
  RefreshToken: REFRESH_SECONDS,
  Interaction: 3600,
  Session: 14 * DAY,
  Grant: GRANT_SECONDS,
};
const USER_CODE_TRIES = { name: 'user-code', limit: 30, windowSeconds: 300 } as const;

const scopesOf = (project: string): string[] => [
  'openid',
  'offline_access',
  'profile',
  'email',
  'urn:zitadel:iam:org:projects:roles',
  'urn:zitadel:iam:user:resourceowner',
  `urn:zitadel:iam:org:project:id:${project}:aud`,
];

const configuration = (options: ProviderOptions): Configuration => {
  const { identity, keys, cookieKey } = options;
  const { records, settings } = identity;
  const project = settings.projectId;
  const scopes = scopesOf(project);
  return {
    adapter: createAdapterFactory(records),
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk as never) },
    routes: { ...ROUTES },
    scopes,
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
    clientDefaults: { id_token_signed_response_alg: 'RS256' },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'ES256'],
      clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA'],
    },
    clockTolerance: CLOCK_TOLERANCE,
    pkce: { required: () => true },
    responseTypes: ['code'],
    // A browser's programs reach it too; only from where they are registered.
    clientBasedCORS: (_ctx, origin, client) =>
      client.tokenEndpointAuthMethod === 'none' &&
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    cookies: {
      keys: [cookieKey],
      names: { session: SESSION_COOKIE, interaction: 'cb_interaction', resume: 'cb_resume' },
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    ttl: TTL,
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
    interactions: { policy: policy(), url: (_ctx, { uid }) => interactionPath(uid) },
    findAccount: async (_ctx, id) => {
      const account = await orUnavailable(findUsable(records, id));
      if (account === undefined) return undefined;
      return {
        accountId: account.id,
        claims: (_use, scope) => ({ sub: account.id, ...profileClaims(account, new Set(scope.split(' '))) }),
      };
    },
    extraTokenClaims: async (_ctx, token) => tokenClaims(records, project, token),
    features: features(options, scopes),
    renderError: (ctx, out) =>
      sendPage(
        ctx,
        'That did not work',
        `<p>${escapeHtml(out.error_description ?? out.error)}</p><p>${escapeHtml(out.error)}</p>`,
      ),
  };
};

const features = (
  { identity, keys }: ProviderOptions,
  scopes: readonly string[],
): NonNullable<Configuration['features']> => ({
  devInteractions: { enabled: false },
  pushedAuthorizationRequests: { enabled: false },
  dPoP: { enabled: false },
  clientCredentials: { enabled: true },
  deviceFlow: {
    enabled: true,
    userCodeInputSource: (ctx, form, _out, error) => askUserCode(ctx, form, error !== undefined),
    userCodeConfirmSource: (ctx, form, client, _info, code) =>
      confirmUserCode(ctx, form, client.clientName ?? '', code),
    successSource: (ctx) => sendPage(ctx, 'Signed in', '<p>Go back to your device: it goes on by itself.</p>'),
  },
  introspection: { enabled: true, allowedPolicy: (_ctx, client) => mayIntrospect(client) },
  revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
  userinfo: { enabled: true },
  rpInitiatedLogout: {
    enabled: true,
    logoutSource: (ctx, form) =>
      sendPage(ctx, 'Sign out?', `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`),
    postLogoutSuccessSource: (ctx) => sendPage(ctx, 'Signed out', '<p>You may close this page.</p>'),
  },
  resourceIndicators: {
    enabled: true,
    defaultResource: () => RESOURCE,
    useGrantedResource: () => true,
    getResourceServerInfo: (_ctx, resource) => {
      if (resource !== RESOURCE) throw new errors.InvalidTarget();
      const kid = keys.find(({ alg, signs }) => alg === 'RS256' && signs)?.kid;
      return {
        scope: scopes.join(' '),
        audience: identity.settings.projectId,
        accessTokenTTL: MAX_TOKEN_SECONDS,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256', ...(kid !== undefined && { kid }) } },
      } as never;
    },
  },
});

/** Whose account has ended while the session goes on is asked to sign in, as somebody else. */
const policy = () => {
  const prompts = interactionPolicy.base();
  const ended = (ctx: KoaContextWithOIDC): boolean =>
    ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined;
  prompts
    .get('login')
    ?.checks.add(new interactionPolicy.Check('account_ended', 'the account has ended', 'login_required', ended));
  return prompts;
};

/** Whoever is disabled gets no token, whatever it shows. */
const tokenClaims = async (records: Records, project: string, token: object): Promise<{ [claim: string]: unknown }> => {
  const { accountId, clientId } = token as { accountId?: string; clientId?: string };
  const account = await orUnavailable(findUsable(records, accountId ?? clientId ?? ''));
  if (account === undefined) throw new errors.InvalidGrant('the account has ended' as never);
  return orUnavailable(roleClaims(records, project, account));
};

const askUserCode = (ctx: KoaContextWithOIDC, form: string, isWrong: boolean): void => {
  const problem = isWrong
    ? '<p class="error" role="alert">This code is not valid: enter the one that your device shows.</p>'
    : '';
  sendPage(
    ctx,
    'Enter the code of your device',
    `${problem}${form}<button form="op.deviceInputForm">Continue</button>`,
  );
};

const confirmUserCode = (ctx: KoaContextWithOIDC, form: string, client: string, code: string): void =>
  sendPage(
    ctx,
    'Is this your device?',
    `<p>${escapeHtml(client)} wants to act as you. Go on only if your device shows this code:</p><p><code>${escapeHtml(code)}</code></p>${form}
<button form="op.deviceConfirmForm">It is mine</button> <button form="op.deviceConfirmForm" name="abort" value="yes">Refuse</button>`,
  );

export const createProvider = (options: ProviderOptions): Provider => {
  const { identity, issuer, keys } = options;
  const { records, settings } = identity;
  const provider = new Provider(issuer, configuration(options));
  provider.proxy = options.behindProxy;
  // What the proxy itself saw; the entries before that are whatever the client wrote.
  provider.maxIpsCount = 1;
  provider.on('server_error', (_ctx, error) => options.report(error));
  (provider as EventEmitter).on('error', options.report);
  Object.assign(provider.Client.prototype, compareByHash);
  const tokenKeys = { issuer, project: settings.projectId, keys };
  const own = { provider, records, keys: () => tokenKeys };
  provider.use(unavailable);
  provider.use(discovery);
  provider.use(offlineAccess);
  provider.use(limitUserCodes(new RateLimit(records.store, USER_CODE_TRIES), ROUTES.code_verification));
  provider.use(restartWithoutSession(ROUTES.code_verification, SESSION_COOKIE));
  provider.use(jwtBearer({ records, tokenPath: ROUTES.token, lifetimeSeconds: MAX_TOKEN_SECONDS, keys: own.keys }));
  provider.use(userinfo(own, ROUTES.userinfo));
  provider.use(introspection(own));
  provider.use(new LoginPage(records).middleware(provider));
  return provider;
};

/** What is stored of a secret is its digest. */
const compareByHash = {
  compareClientSecret(this: { clientSecret?: string }, actual: string): boolean {
    const [given, stored] = [hashSecret(actual), this.clientSecret ?? ''].map((text) => Buffer.from(text));
    return given !== undefined && stored?.length === given.length && timingSafeEqual(given, stored);
  },
};

/** Where an error comes from no matter: without the store it is a 503, and worth another try. */
const unavailable: Middleware = async (ctx, next) => {
  try {
    await orUnavailable(next());
  } catch (error) {
    if (!(error instanceof errors.TemporarilyUnavailable)) throw error;
    ctx.status = 503;
    ctx.body = { error: error.error, error_description: error.error_description };
  }
  if (ctx.status === 503) ctx.set('retry-after', '1');
};

const discovery: Middleware = async (ctx, next) => {
  await next();
  const { grant_types_supported: grants } = (ctx.body ?? {}) as { grant_types_supported?: string[] };
  if (ctx.path.startsWith('/.well-known/') && grants !== undefined)
    ctx.body = { ...(ctx.body as object), grant_types_supported: [...grants, JWT_BEARER] };
};

/** The provider gives `offline_access` only with `prompt=consent`; Zitadel's clients do not send that. */
const offlineAccess: Middleware = async (ctx, next) => {
  const { scope, prompt } = ctx.query;
  const wanted = typeof scope === 'string' && scope.split(' ').includes('offline_access');
  if (ctx.path === ROUTES.authorization && wanted && prompt === undefined)
    ctx.query = { ...ctx.query, prompt: 'consent' };
  return next();
};
