import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Listener } from './node.ts';

const READY_MS = 2000;

const answer = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${text}\n`);
};

/** Why the service cannot do its work now; undefined when it can. */
export type Hindrance = () => Promise<string | undefined>;

/** NATS must answer, within 2 seconds, and the service must not be stopping. */
export const hindranceOf =
  (nats: NatsConnection, isStopping: () => boolean): Hindrance =>
  async () => {
    if (isStopping()) return 'the service is stopping';
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, READY_MS, false);
    const flushed = nats.flush().then(
      () => true,
      () => false,
    );
    const answered = await Promise.race([flushed, late]);
    clearTimeout(timer);
    return answered ? undefined : 'NATS cannot be reached';
  };

/** Serves `/healthz` and `/readyz`, for the operator's machines only. @throws Error of the socket */
export const listenAdmin = async (
  where: { readonly host: string; readonly port: number },
  hindrance: Hindrance,
): Promise<Listener> => {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'only GET');
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz') return answer(response, 200, 'ok');
    if (path !== '/readyz') return answer(response, 404, 'there are /healthz and /readyz');
    void hindrance().then((why) => answer(response, why === undefined ? 200 : 503, why ?? 'ready'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where.port, where.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
