import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ListenOptions } from '#services/api/node.ts';
import type { AuthApp } from './app.ts';

export interface AuthListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the issuer over HTTP/1.1, with TLS or in the clear behind something that has it. */
export const listenAuth = async (app: AuthApp, { host, port, tls }: ListenOptions): Promise<AuthListener> => {
  const handle: RequestListener = (request, response) => void app.handle(request, response);
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  // Whoever sends a request so slowly only wants the connection.
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
};
