import type { Meter } from '#services/api/meter.ts';
import { type Listener, type ListenOptions, listen } from '#services/api/node.ts';
import { createTokenApp, type TokenAppOptions } from './app.ts';

/** Serves REST, Connect, gRPC-Web, gRPC and the token exchange on one port. */
export const serveToken = async (
  app: TokenAppOptions,
  where: ListenOptions,
): Promise<Listener & { readonly meter: Meter }> => {
  const service = await createTokenApp(app);
  return { ...(await listen(service, where)), meter: service.meter };
};
