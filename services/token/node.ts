import { type Listener, type ListenOptions, listen } from '#services/api/node.ts';
import { createTokenApp, type TokenAppOptions } from './app.ts';

/** Serves REST, Connect, gRPC-Web, gRPC and the token exchange on one port. */
export const serveToken = async (app: TokenAppOptions, where: ListenOptions): Promise<Listener> =>
  listen(await createTokenApp(app), where);
