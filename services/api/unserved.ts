import { type ConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { servedKey } from './calls.ts';

/** Tells of each request that comes to an RPC and to no interceptor: it cannot be read, or is of a type that is not taken. */
export const countUnserved = (router: ConnectRouter, unserved: () => void): void => {
  for (const [i, handler] of router.handlers.entries()) {
    const wrapped = async (request: Parameters<UniversalHandler>[0]) => {
      const contextValues = request.contextValues ?? createContextValues();
      const response = await handler({ ...request, contextValues });
      const end = (): void => {
        if (!contextValues.get(servedKey)) unserved();
      };
      if (response.body !== undefined) return { ...response, body: untilEnd(response.body, end) };
      end();
      return response;
    };
    router.handlers[i] = Object.assign(wrapped, { ...handler });
  }
};

/** What is read of some requests is read for the answer's body only. */
async function* untilEnd(body: AsyncIterable<Uint8Array>, end: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    end();
  }
}
