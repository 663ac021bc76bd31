import type { ConnectRouter, ConnectRouterOptions } from '@connectrpc/connect';
import { createConnectRouter } from '@connectrpc/connect';
import {
  type UniversalHandler,
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from '@connectrpc/connect/protocol';

/**
 * Connect, gRPC-Web (and gRPC where the runtime has trailers) as one Fetch handler, for any runtime.
 *
 * @returns undefined when the path is no RPC
 */
export const createRpcFetch = (
  routes: (router: ConnectRouter) => void,
  options: ConnectRouterOptions,
): ((request: Request) => Promise<Response | undefined>) => {
  const router = createConnectRouter(options);
  routes(router);
  const handlers = new Map<string, UniversalHandler>(router.handlers.map((handler) => [handler.requestPath, handler]));
  return async (request) => {
    const handler = handlers.get(new URL(request.url).pathname);
    if (handler === undefined) return undefined;
    return universalServerResponseToFetch(await handler(universalServerRequestFromFetch(request, {})));
  };
};
