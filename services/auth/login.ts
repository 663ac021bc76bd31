import type { IncomingMessage } from 'node:http';
import { errors, type default as Provider } from 'oidc-provider';
import { RateLimit } from '#services/store/rate-limit.ts';
import { findByUserName } from './accounts.ts';
import type { Context, Middleware } from './middleware.ts';
import { consentForm, loginForm, sendPage } from './pages.ts';
import { checkPassword } from './password.ts';
import type { Records } from './records.ts';
import { LOGIN_PATH } from './routes.ts';
import { orUnavailable } from './unavailable.ts';

const MAX_BODY_BYTES = 8 * 1024;

export const interactionPath = (uid: string): string => `${LOGIN_PATH}${uid}`;

/** Guesses at one name from one place, at one name from anywhere, and from one place at any name. */
export interface LoginLimits {
  readonly nameAndPlace: number;
  readonly name: number;
  readonly place: number;
  readonly windowSeconds: number;
}
const LIMITS: LoginLimits = { nameAndPlace: 5, name: 50, place: 100, windowSeconds: 300 };

/** @returns the body's bytes @throws RangeError when there are too many */
export const readBody = async (request: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`the body has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** The page where people sign in and, for programs that run on somebody's machine, allow them to act (RFC 8252 §8.6). */
export class LoginPage {
  readonly #records: Records;
  readonly #limits: readonly (readonly [RateLimit, (name: string, place: string) => string])[];

  constructor(records: Records, limits: LoginLimits = LIMITS) {
    this.#records = records;
    const limit = (name: string, count: number) =>
      new RateLimit(records.store, { name, limit: count, windowSeconds: limits.windowSeconds });
    this.#limits = [
      [limit('login-both', limits.nameAndPlace), (name, place) => `${name}\0${place}`],
      [limit('login-name', limits.name), (name) => name],
      [limit('login-place', limits.place), (_name, place) => place],
    ];
  }

  middleware(provider: Provider): Middleware {
    return async (ctx, next) => {
      if (!ctx.path.startsWith(LOGIN_PATH)) return next();
      try {
        await this.#serve(provider, ctx);
      } catch (error) {
        if (!(error instanceof errors.SessionNotFound)) throw error;
        ctx.status = 400;
        sendPage(ctx, 'This page has expired', '<p>Go back to where you came from and start again.</p>');
      }
    };
  }

  async #serve(provider: Provider, ctx: Context): Promise<void> {
    const { uid, prompt, params, lastSubmission, session, grantId } = await provider.interactionDetails(
      ctx.req,
      ctx.res,
    );
    if (ctx.path !== interactionPath(uid)) throw new errors.SessionNotFound('another interaction');
    const form =
      ctx.method === 'POST' ? new URLSearchParams(String(await readBody(ctx.req, MAX_BODY_BYTES))) : undefined;
    if (form?.get('action') === 'refuse') {
      return finish(provider, ctx, { error: 'access_denied', error_description: 'the user refused' });
    }
    if (prompt.name === 'login') {
      if (form === undefined) return sendPage(ctx, 'Sign in', loginForm(String(params['login_hint'] ?? ''), undefined));
      return this.#login(provider, ctx, form);
    }
    const client = await provider.Client.find(String(params['client_id']));
    // Whoever has just typed the password knows what for.
    const isAllowed = lastSubmission?.login !== undefined || form?.get('action') === 'allow';
    if (!isAllowed || client === undefined || session === undefined)
      return sendPage(ctx, 'Sign in', consentForm(client?.clientName ?? 'A program'));
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const grant = known ?? new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details as {
      missingOIDCScope?: string[];
      missingOIDCClaims?: string[];
      missingResourceScopes?: Readonly<{ [resource: string]: string[] }>;
    };
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {}))
      grant.addResourceScope(resource, scopes.join(' '));
    return finish(provider, ctx, { consent: { grantId: await grant.save() } });
  }

  async #login(provider: Provider, ctx: Context, form: URLSearchParams): Promise<void> {
    const userName = (form.get('username') ?? '').slice(0, 200);
    const name = userName.normalize('NFKC').toLowerCase();
    for (const [limit, who] of this.#limits) {
      const taken = await orUnavailable(limit.take(who(name, ctx.ip)));
      if (taken.allowed) continue;
      ctx.status = 429;
      ctx.set('retry-after', String(taken.retryAfterSeconds));
      return sendPage(ctx, 'Sign in', loginForm(userName, 'Too many tries: wait some minutes.'));
    }
    const account = await orUnavailable(findByUserName(this.#records, userName));
    if (!(await checkPassword((form.get('password') ?? '').slice(0, 256), account?.passwordHash))) {
      ctx.status = 401;
      return sendPage(ctx, 'Sign in', loginForm(userName, 'User name or password is wrong.'));
    }
    await orUnavailable(Promise.all(this.#limits.slice(0, 2).map(([limit, who]) => limit.reset(who(name, ctx.ip)))));
    return finish(provider, ctx, { login: { accountId: (account as { id: string }).id, amr: ['pwd'] } });
  }
}

const finish = async (
  provider: Provider,
  ctx: Context,
  result: Parameters<Provider['interactionResult']>[2],
): Promise<void> => {
  const returnTo = await provider.interactionResult(ctx.req, ctx.res, result);
  ctx.status = 303;
  ctx.redirect(returnTo);
};
