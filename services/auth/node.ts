import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuthApp } from './app.ts';

export interface AuthListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the issuer over HTTP/1.1; TLS is the matter of the edge in front. @param port 0: any free one */
export const listenAuth = async (app: AuthApp, host: string, port: number): Promise<AuthListener> => {
  const server = createServer((request, response) => void app.handle(request, response));
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
