import { Code, ConnectError } from '@connectrpc/connect';
import { POP_AUDIENCE } from '#model/claims.ts';
import { translateStoreError } from '#services/api/store-errors.ts';
import { type Caller, TokenError, type VerifyToken } from '#services/authn/caller.ts';
import { type Issuing, issueToken } from './issue.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const RESOURCE = /^urn:cloudbridge:device:([^/]{1,40})\/([^/]{1,40})$/;
const MAX_BODY_BYTES = 32 * 1024;
/** A name that may be said back in an `error_description` (RFC 6749 §5.2). */
const PARAMETER_NAME = /^\w{1,40}$/;

/** RFC 6749 §5.2. */
class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code: string;
  readonly status: number;
  readonly headers: Readonly<{ [name: string]: string }>;

  constructor(code: string, message: string, status = 400, headers: Readonly<{ [name: string]: string }> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

const answer = (body: object, status: number, headers: Readonly<{ [name: string]: string }> = {}): Response =>
  Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } });

export interface ExchangeOptions {
  readonly issuing: Issuing;
  readonly verify: VerifyToken;
  /** Is told of callers whose subject token is not valid. */
  readonly onRefused: (reason: 'token_invalid') => void;
  /** Is told of errors that are the service's own fault. */
  readonly report: (error: unknown) => void;
}

/**
 * Token exchange (RFC 8693): the identity provider's access token for a PoP token, so that every OAuth library can get one.
 * The device is the `resource`: `urn:cloudbridge:device:<tenant>/<device>`. The subject token is what authenticates the
 * caller; there is no client besides.
 */
export const exchangeToken = async (
  request: Request,
  { issuing, verify, onRefused, report }: ExchangeOptions,
): Promise<Response> => {
  try {
    const form = await readForm(request);
    const [tenant, device] = readTarget(form);
    const caller = await identify(form, verify);
    const issued = await issueToken(issuing, caller, tenant, device, 0);
    return answer(
      {
        access_token: issued.token,
        issued_token_type: JWT,
        token_type: 'Bearer',
        expires_in: issued.lifetimeSeconds,
      },
      200,
    );
  } catch (error) {
    if (error instanceof TokenError) onRefused('token_invalid');
    const { code, message, status, headers } = explain(error, report);
    return answer({ error: code, error_description: message }, status, headers);
  }
};

const readForm = async (request: Request): Promise<URLSearchParams> => {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\b/i.test(type))
    throw new ExchangeError('invalid_request', 'send a form: application/x-www-form-urlencoded');
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES)
    throw new ExchangeError('invalid_request', 'the form is too long', 413);
  const text = await request.text();
  if (text.length > MAX_BODY_BYTES) throw new ExchangeError('invalid_request', 'the form is too long', 413);
  const form = new URLSearchParams(text);
  refuseRepeated(form);
  return form;
};

/** RFC 6749 §3.2: no parameter twice; of the `resource` and `audience` that RFC 8693 §2.1 lets repeat, one is served. */
const refuseRepeated = (form: URLSearchParams): void => {
  const seen = new Set<string>();
  for (const name of form.keys()) {
    if (seen.has(name)) {
      const what = PARAMETER_NAME.test(name) ? name : 'a parameter';
      throw new ExchangeError('invalid_request', `${what} must not be there twice`);
    }
    seen.add(name);
  }
};

/** RFC 8693 §2.1. */
const readTarget = (form: URLSearchParams): [tenant: string, device: string] => {
  const get = (name: string) => form.get(name) ?? undefined;
  if (get('grant_type') !== TOKEN_EXCHANGE)
    throw new ExchangeError('unsupported_grant_type', `only ${TOKEN_EXCHANGE} is exchanged here`);
  if (get('actor_token') !== undefined) throw new ExchangeError('invalid_request', 'actor tokens are not taken');
  const wanted = get('requested_token_type');
  if (wanted !== undefined && wanted !== JWT && wanted !== ACCESS_TOKEN)
    throw new ExchangeError('invalid_request', `requested_token_type can be ${JWT}`);
  const audience = get('audience');
  if (audience !== undefined && audience !== POP_AUDIENCE)
    throw new ExchangeError('invalid_target', `audience can be ${POP_AUDIENCE}`);
  const target = RESOURCE.exec(get('resource') ?? '');
  if (target === null)
    throw new ExchangeError('invalid_target', 'resource must be urn:cloudbridge:device:<tenant>/<device>');
  return [target[1] as string, target[2] as string];
};

const identify = async (form: URLSearchParams, verify: VerifyToken): Promise<Caller> => {
  const type = form.get('subject_token_type');
  if (type !== ACCESS_TOKEN && type !== JWT)
    throw new ExchangeError('invalid_request', `subject_token_type must be ${ACCESS_TOKEN}`);
  const token = form.get('subject_token') ?? '';
  if (token === '') throw new ExchangeError('invalid_request', 'subject_token is missing');
  return verify(token);
};

const explain = (error: unknown, report: (error: unknown) => void): ExchangeError => {
  if (error instanceof ExchangeError) return error;
  // RFC 8693 §2.2.2: a subject token that is not valid makes the request invalid.
  if (error instanceof TokenError) return new ExchangeError('invalid_request', error.message);
  const known = translateStoreError(error) ?? (error instanceof ConnectError ? error : undefined);
  const headers = Object.fromEntries(known?.metadata ?? []);
  if (known?.code === Code.ResourceExhausted)
    return new ExchangeError('temporarily_unavailable', known.rawMessage, 429, headers);
  if (known?.code === Code.Unavailable)
    return new ExchangeError('temporarily_unavailable', known.rawMessage, 503, headers);
  if (known?.code === Code.NotFound || known?.code === Code.FailedPrecondition)
    return new ExchangeError('invalid_target', known.rawMessage);
  report(error);
  return new ExchangeError('server_error', 'something went wrong here; the log of the service tells what', 500);
};
