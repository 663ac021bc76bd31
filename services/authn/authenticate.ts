import type { Message } from '@bufbuild/protobuf';
import { Code, type HandlerContext, type Interceptor } from '@connectrpc/connect';
import { methodName } from '#services/api/calls.ts';
import { apiError } from '#services/api/errors.ts';
import { checkMessages } from '#services/api/interceptors.ts';
import type { Meter } from '#services/api/meter.ts';
import { REFUSALS } from '#telemetry/metrics/services.ts';
import { type Caller, callerKey, Role, TokenError, type VerifyToken } from './caller.ts';
import { PERMISSIONS, type Permission, ROLES_OF } from './permissions.ts';

export interface AuthenticationOptions {
  readonly verify: VerifyToken;
  /** The organisation that a tenant belongs to; undefined when there is no such tenant or it belongs to none. */
  readonly organisationOf: (tenant: string) => Promise<string | undefined>;
  /** Is told of each caller that is refused. */
  readonly onRefused?: (reason: Refusal) => void;
}

export type Refusal = (typeof REFUSALS)[number];

/** Finds out who calls and whether they may (RFC 6750); handlers find the caller by `callerOf`. */
export const authenticate =
  ({ verify, organisationOf, onRefused = () => undefined }: AuthenticationOptions): Interceptor =>
  (next) =>
  async (request) => {
    const caller = await identify(request.header, verify, onRefused);
    const permission = PERMISSIONS.get(methodName(request.method));
    const roles = permission === undefined ? new Set<string>() : ROLES_OF[permission];
    if (permission === undefined || (roles !== undefined && ![...roles].some((role) => caller.roles.has(role)))) {
      const wanted = [...(roles ?? [])].join(' or ') || 'nobody';
      onRefused('role_missing');
      throw apiError(Code.PermissionDenied, 'ROLE_MISSING', `${request.method.name} is for ${wanted}`);
    }
    request.contextValues.set(callerKey, caller);
    if (!needsTenantCheck(permission, caller)) return next(request);
    const check = (message: Message) => checkTenant(message, caller, organisationOf, () => onRefused('foreign_tenant'));
    return next(await checkMessages(request, check));
  };

/** Tells a meter of refused callers. */
export const countRefusals = (meter: Meter): ((reason: Refusal) => void) => {
  const refused = meter.adders('cloudbridge_api_refused_callers_total', 'reason', REFUSALS);
  return (reason) => refused[reason]();
};

const needsTenantCheck = (permission: Permission, caller: Caller): boolean =>
  (permission === 'tenant' || permission === 'own') && !caller.roles.has(Role.operator);

const identify = async (
  headers: Headers,
  verify: VerifyToken,
  onRefused: (reason: Refusal) => void,
): Promise<Caller> => {
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined) {
    onRefused('token_missing');
    const challenge = { 'www-authenticate': 'Bearer realm="cloudbridge"' };
    throw apiError(Code.Unauthenticated, 'TOKEN_MISSING', 'send an access token: Authorization: Bearer …', {
      headers: challenge,
    });
  }
  try {
    return await verify(token);
  } catch (cause) {
    if (!(cause instanceof TokenError)) throw cause;
    onRefused('token_invalid');
    const challenge = { 'www-authenticate': 'Bearer realm="cloudbridge", error="invalid_token"' };
    throw apiError(Code.Unauthenticated, 'TOKEN_INVALID', cause.message, { headers: challenge, cause });
  }
};

/** A tenant of another organisation looks to a tenant-admin as if it were not there. */
const checkTenant = async (
  message: Message,
  caller: Caller,
  organisationOf: AuthenticationOptions['organisationOf'],
  onForeign: () => void,
): Promise<void> => {
  const { tenant } = message as Message & { tenant?: unknown };
  // Where the tenant may be left out ("every tenant that the caller may see") the handler looks by itself.
  if (typeof tenant !== 'string' || tenant === '') return;
  if (caller.organisation !== undefined && caller.organisation !== '') {
    if ((await organisationOf(tenant)) === caller.organisation) return;
  }
  onForeign();
  throw apiError(Code.NotFound, 'TENANT_NOT_FOUND', `tenant ${JSON.stringify(tenant)} does not exist`);
};

/** @throws RangeError when the call did not come through `authenticate` */
export const callerOf = (context: HandlerContext): Caller => {
  const caller = context.values.get(callerKey);
  if (caller === undefined) throw new RangeError('the call was not authenticated');
  return caller;
};
