import type { ConnectRouter, Interceptor } from '@connectrpc/connect';
import type { NatsConnection } from '@nats-io/nats-core';
import { Hono } from 'hono';
import { DeviceService } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { DnsService } from '#proto/gen/cloudbridge/v1/dns_pb.ts';
import { EventService } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { NetworkService } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { PopService } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { RevisionService } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { RoutingService } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { SiteService } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { WireguardService } from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import { Calls, countCalls, countConflicts, countUnreadable, routesOf } from '#services/api/calls.ts';
import { createRpcFetch } from '#services/api/connect-fetch.ts';
import { explainErrors, validateRequests } from '#services/api/interceptors.ts';
import { Meter } from '#services/api/meter.ts';
import { openApi } from '#services/api/openapi.ts';
import { docsPage } from '#services/api/openapi-docs.ts';
import { problem, problemResponse } from '#services/api/problem.ts';
import { createRest } from '#services/api/rest.ts';
import { translateStoreError } from '#services/api/store-errors.ts';
import { explainUnreadable } from '#services/api/unreadable.ts';
import { countUnserved } from '#services/api/unserved.ts';
import { authenticate, countRefusals } from '#services/authn/authenticate.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import { type Authorization, PROTECTED_RESOURCE_PATH, protectedResource } from '#services/authn/protected-resource.ts';
import { CALLER_ROWS, CONFIG_ROWS, callRows } from '#telemetry/metrics/services.ts';
import { deviceService } from './devices.ts';
import { dnsService } from './dns.ts';
import { eventService } from './events.ts';
import { networkService } from './networks.ts';
import { popService } from './pops.ts';
import { revisionService } from './revisions.ts';
import { routingService } from './routing.ts';
import { siteService } from './site-service.ts';
import { openStores, type Stores } from './stores.ts';
import { organisationOf, tenantService } from './tenants.ts';
import { wireguardService } from './wireguard-edge.ts';

/** What the configuration service serves. */
export const CONFIG_SERVICES = [
  TenantService,
  NetworkService,
  DeviceService,
  WireguardService,
  SiteService,
  PopService,
  RoutingService,
  DnsService,
  RevisionService,
  EventService,
] as const;

export interface ConfigAppOptions {
  readonly nats: NatsConnection;
  readonly verify: VerifyToken;
  /** What callers are told of whose tokens `verify` takes; undefined: nothing. */
  readonly authorization?: Authorization | undefined;
  /** Is told of errors that are the service's own fault. */
  readonly report: (error: unknown) => void;
  /** To go on counting where another app of this copy ended. */
  readonly meter?: Meter;
  /** A larger request is refused. */
  readonly maxRequestBytes?: number;
}

export interface ConfigApp {
  readonly stores: Stores;
  /** What this copy counts. */
  readonly meter: Meter;
  /** For adapters that speak more protocols than Fetch can, such as native gRPC. */
  readonly routes: (router: ConnectRouter) => void;
  readonly rpcOptions: { readonly interceptors: Interceptor[]; readonly readMaxBytes: number };
  /** REST, Connect, gRPC-Web, the API's description. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const MAX_REQUEST_BYTES = 1024 * 1024;

const ROUTES = routesOf(CONFIG_SERVICES);

/** For what a copy of the service counts. */
export const configMeter = (): Meter => new Meter([...callRows(ROUTES), ...CALLER_ROWS, ...CONFIG_ROWS]);

export const createConfigApp = async (options: ConfigAppOptions): Promise<ConfigApp> => {
  const stores = await openStores(options.nats);
  const { meter = configMeter() } = options;
  const calls = new Calls(meter, ROUTES);
  const all = [stores.config, stores.revocations, stores.status, stores.desired, stores.chunks];
  countConflicts(meter, all);
  countUnreadable(meter, all, options.report);
  const readMaxBytes = options.maxRequestBytes ?? MAX_REQUEST_BYTES;
  const routes = (router: ConnectRouter): void => {
    router.service(TenantService, tenantService(stores));
    router.service(NetworkService, networkService(stores));
    router.service(DeviceService, deviceService(stores));
    router.service(WireguardService, wireguardService(stores));
    router.service(SiteService, siteService(stores));
    router.service(PopService, popService(stores));
    router.service(RoutingService, routingService(stores));
    router.service(DnsService, dnsService(stores));
    router.service(RevisionService, revisionService(stores));
    router.service(EventService, eventService(stores));
    explainUnreadable(router);
    countUnserved(router, calls.unserved);
  };
  // From the outside in.
  const replayed = meter.adder('cloudbridge_api_replayed_requests_total');
  const streams = meter.adder('cloudbridge_api_watch_streams_count');
  const interceptors = [
    countCalls({ calls, replayed, streams }),
    explainErrors(translateStoreError, options.report),
    authenticate({
      verify: options.verify,
      organisationOf: (tenant) => organisationOf(stores.config, tenant),
      onRefused: countRefusals(meter),
    }),
    validateRequests(),
  ];
  const rpcOptions = { interceptors, readMaxBytes };
  const rpc = createRpcFetch(routes, rpcOptions);
  const noRoute = () => {
    calls.unserved();
    return problemResponse(problem(404, 'Not found', 'NO_SUCH_PATH', 'there is nothing here: see /docs'));
  };
  const rest = createRest({
    services: CONFIG_SERVICES,
    maxBodyBytes: readMaxBytes,
    onUnserved: calls.unserved,
    rpc: async (request) => (await rpc(request)) ?? noRoute(),
  });
  const app = new Hono();
  const { authorization } = options;
  if (authorization !== undefined) app.get(PROTECTED_RESOURCE_PATH, (c) => protectedResource(c.req.raw, authorization));
  app.get('/openapi.json', (c) => c.json(openApi(CONFIG_SERVICES, '3.0.3')));
  app.get('/openapi-3.1.json', (c) => c.json(openApi(CONFIG_SERVICES, '3.1.0')));
  app.get('/docs', () => docsPage(openApi(CONFIG_SERVICES, '3.0.3')));
  app.all('*', async (c) => (await rpc(c.req.raw)) ?? (await rest(c.req.raw)) ?? noRoute());
  app.onError((error) => {
    options.report(error);
    return problemResponse(problem(500, 'Internal error', 'INTERNAL', 'something went wrong here'));
  });
  return { stores, meter, routes, rpcOptions, fetch: async (request) => app.fetch(request) };
};
