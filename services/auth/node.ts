import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { closeAll, type Listener, type ListenOptions, SocketSet } from '#services/api/node.ts';
import type { AuthApp } from './app.ts';

/** Serves the issuer over HTTP/1.1, with TLS or in the clear behind something that has it. */
export const listenAuth = async (app: AuthApp, { host, port, tls }: ListenOptions): Promise<Listener> => {
  const handle: RequestListener = (request, response) => void app.handle(request, response);
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  // Whoever sends a request so slowly only wants the connection.
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  const sockets = new SocketSet();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) => closeAll(server, sockets, graceMs, () => server.closeIdleConnections()),
  };
};
