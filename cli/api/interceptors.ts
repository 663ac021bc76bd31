import { setTimeout as sleep } from 'node:timers/promises';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import type { AccessTokens } from '#client/oauth.ts';
import { systemCodeOf } from './explain.ts';

const TRIES = 4;
const PAUSE_MS = 200;
const MOST_PAUSE_MS = 5000;
const BROKEN = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);

/** Whether the same call may go well in a moment. */
const isTemporary = (error: ConnectError): boolean => {
  const code = error.details.length > 0 ? undefined : systemCodeOf(error);
  return code === undefined ? error.code === Code.Unavailable : BROKEN.has(code);
};

const pauseMs = (attempt: number, error: ConnectError): number => {
  const asked = Number(error.metadata.get('retry-after') ?? 0) * 1000 || 0;
  return Math.min(Math.max(asked, PAUSE_MS * 2 ** attempt), MOST_PAUSE_MS);
};

/**
 * Calls again what nobody could answer. A call that changes something carries an Idempotency-Key, so that the API does it
 * once whichever of its answers was lost.
 */
export const retry: Interceptor = (next) => async (request) => {
  if (request.stream) return next(request);
  const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;
  if (request.method.idempotency !== NO_SIDE_EFFECTS && !request.header.has('idempotency-key'))
    request.header.set('idempotency-key', crypto.randomUUID());
  for (let attempt = 0; ; attempt++) {
    try {
      return await next(request);
    } catch (error) {
      const failure = ConnectError.from(error);
      if (attempt === TRIES - 1 || !isTemporary(failure)) throw error;
      await sleep(pauseMs(attempt, failure), undefined, { signal: request.signal });
    }
  }
};

/** Shows the access token; another one, once, when the API does not take it. */
export const authorize =
  (access: AccessTokens): Interceptor =>
  (next) =>
  async (request) => {
    const token = await access.accessToken();
    request.header.set('authorization', `Bearer ${token}`);
    try {
      return await next(request);
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
      const another = await access.accessToken(token);
      if (another === token) throw error;
      request.header.set('authorization', `Bearer ${another}`);
      return next(request);
    }
  };
