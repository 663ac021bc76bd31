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
    const gone = new AbortController();
    const call = universalServerRequestFromFetch(request, {});
    const signal = AbortSignal.any([call.signal, gone.signal]);
    return tellWhenGone(universalServerResponseToFetch(await handler({ ...call, signal })), gone);
  };
};

/** A caller that stops reading ends the call: a stream that waits for its next message would not notice otherwise. */
const tellWhenGone = (response: Response, gone: AbortController): Response => {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => {
      gone.abort();
      // Ends when the handler has ended, which nobody has to wait for.
      reader.cancel(reason).catch(() => undefined);
    },
  });
  return new Response(body, response);
};
