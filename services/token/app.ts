import type { ConnectRouter, Interceptor } from '@connectrpc/connect';
import type { NatsConnection } from '@nats-io/nats-core';
import { Hono } from 'hono';
import { Bucket } from '#model/names.ts';
import { TokenService } from '#proto/gen/cloudbridge/v1/token_pb.ts';
import { Calls, countCalls, countConflicts, countUnreadable, routesOf } from '#services/api/calls.ts';
import { createRpcFetch } from '#services/api/connect-fetch.ts';
import { explainErrors, validateRequests } from '#services/api/interceptors.ts';
import { Meter } from '#services/api/meter.ts';
import { openApi } from '#services/api/openapi.ts';
import { problem, problemResponse } from '#services/api/problem.ts';
import { createRest } from '#services/api/rest.ts';
import { translateStoreError } from '#services/api/store-errors.ts';
import { explainUnreadable } from '#services/api/unreadable.ts';
import { countUnserved } from '#services/api/unserved.ts';
import { authenticate, countRefusals } from '#services/authn/authenticate.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import { type Authorization, PROTECTED_RESOURCE_PATH, protectedResource } from '#services/authn/protected-resource.ts';
import { RateLimit } from '#services/store/rate-limit.ts';
import type { Sealer } from '#services/store/seal.ts';
import { POP_KEYS, readKeySet } from '#services/store/signing-keys.ts';
import { Store } from '#services/store/store.ts';
import { CALLER_ROWS, callRows, TOKEN_REFUSALS, TOKEN_ROWS } from '#telemetry/metrics/services.ts';
import { exchangeToken, TOKEN_EXCHANGE } from './exchange.ts';
import { type Issuing, organisationOf } from './issue.ts';
import { PopSigner } from './pop-signer.ts';
import { tokenService } from './service.ts';

export interface TokenAppOptions {
  readonly nats: NatsConnection;
  readonly sealer: Sealer;
  readonly verify: VerifyToken;
  /** What callers are told of whose tokens `verify` takes; undefined: nothing. */
  readonly authorization?: Authorization | undefined;
  /** `iss` of the tokens, and where this service is reached, without a slash at the end. */
  readonly issuer: string;
  /** So many tokens a caller gets in a minute. */
  readonly tokensPerMinute?: number;
  /** Is told of errors that are the service's own fault. */
  readonly report: (error: unknown) => void;
  /** Seconds since 1970. */
  readonly now?: () => number;
}

export interface TokenApp {
  /** What this copy counts. */
  readonly meter: Meter;
  readonly routes: (router: ConnectRouter) => void;
  readonly rpcOptions: { readonly interceptors: Interceptor[]; readonly readMaxBytes: number };
  readonly fetch: (request: Request) => Promise<Response>;
}

const MAX_REQUEST_BYTES = 64 * 1024;
const TOKENS_PER_MINUTE = 300;
/** Less than a rotation's overlap by far. */
const JWKS_FRESH_SECONDS = 60;
const SERVICES = [TokenService] as const;
/** The route that is no RPC. */
const EXCHANGE = 'exchange';

export const createTokenApp = async (options: TokenAppOptions): Promise<TokenApp> => {
  const { nats, sealer, verify, issuer, report } = options;
  const now = options.now ?? (() => Date.now() / 1000);
  const [config, revocations, limits] = (await Promise.all(
    [Bucket.config, Bucket.revocations, Bucket.auth].map((bucket) => Store.open(nats, bucket)),
  )) as [Store, Store, Store];
  const routeNames = [...routesOf(SERVICES), EXCHANGE];
  const meter = new Meter([...callRows(routeNames), ...CALLER_ROWS, ...TOKEN_ROWS]);
  const calls = new Calls(meter, routeNames);
  const onRefused = countRefusals(meter);
  countConflicts(meter, [config, revocations, limits]);
  countUnreadable(meter, [config, revocations, limits], report);
  const perMinute = { name: 'pop-token', limit: options.tokensPerMinute ?? TOKENS_PER_MINUTE, windowSeconds: 60 };
  const issuing: Issuing = {
    config,
    revocations,
    signer: new PopSigner({ store: config, sealer, issuer, now }),
    limit: new RateLimit(limits, perMinute, now),
    counts: {
      issued: meter.adder('cloudbridge_tokens_issued_total'),
      refused: meter.adders('cloudbridge_tokens_refused_total', 'reason', TOKEN_REFUSALS),
      revoked: meter.adder('cloudbridge_tokens_revoked_total'),
    },
  };
  const routes = (router: ConnectRouter): void => {
    router.service(TokenService, tokenService(issuing, now));
    explainUnreadable(router);
    countUnserved(router, calls.unserved);
  };
  const interceptors = [
    countCalls({ calls }),
    explainErrors(translateStoreError, report),
    authenticate({ verify, organisationOf: (tenant) => organisationOf(config, tenant), onRefused }),
    validateRequests(),
  ];
  const rpcOptions = { interceptors, readMaxBytes: MAX_REQUEST_BYTES };
  const rpc = createRpcFetch(routes, rpcOptions);
  const noRoute = () => {
    calls.unserved();
    return problemResponse(problem(404, 'Not found', 'NO_SUCH_PATH', 'there is nothing here'));
  };
  const rest = createRest({
    services: SERVICES,
    maxBodyBytes: MAX_REQUEST_BYTES,
    onUnserved: calls.unserved,
    rpc: async (request) => (await rpc(request)) ?? noRoute(),
  });
  const app = new Hono();
  app.post('/v1/token', async (c) => {
    const end = calls.begin(EXCHANGE);
    const answer = await exchangeToken(c.req.raw, { issuing, verify, onRefused, report });
    end(answer.status);
    return answer;
  });
  app.get('/.well-known/jwks.json', async (c) => {
    c.header('cache-control', `public, max-age=${JWKS_FRESH_SECONDS}`);
    return c.json((await readKeySet(config, POP_KEYS, now())).jwks);
  });
  app.get('/.well-known/oauth-authorization-server', (c) => c.json(metadata(issuer)));
  const { authorization } = options;
  if (authorization !== undefined) app.get(PROTECTED_RESOURCE_PATH, (c) => protectedResource(c.req.raw, authorization));
  app.get('/openapi.json', (c) => c.json(openApi(SERVICES, '3.0.3')));
  app.get('/openapi-3.1.json', (c) => c.json(openApi(SERVICES, '3.1.0')));
  app.all('*', async (c) => (await rpc(c.req.raw)) ?? (await rest(c.req.raw)) ?? noRoute());
  app.onError((error) => {
    if (translateStoreError(error) !== undefined)
      return problemResponse(problem(503, 'Not available', 'STORE_UNAVAILABLE', 'try again in a moment'));
    report(error);
    return problemResponse(problem(500, 'Internal error', 'INTERNAL', 'something went wrong here'));
  });
  return { meter, routes, rpcOptions, fetch: async (request) => app.fetch(request) };
};

/** RFC 8414 §2, so that OAuth libraries find the exchange. */
const metadata = (issuer: string) => ({
  issuer,
  token_endpoint: `${issuer}/v1/token`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  grant_types_supported: [TOKEN_EXCHANGE],
  token_endpoint_auth_methods_supported: ['none'],
  response_types_supported: [],
});
