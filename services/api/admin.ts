import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Meter } from './meter.ts';
import type { Listener } from './node.ts';
import { ProcessMeter } from './process-meter.ts';

const READY_MS = 2000;
const TEXT = 'text/plain; charset=utf-8';
/** Of the Prometheus text format. */
const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** As in `cloudbridge serve`. */
  readonly service: string;
  readonly nats: NatsConnection;
  /** What the service counted. */
  readonly meter: Meter;
  readonly isStopping: () => boolean;
}

const answer = (response: ServerResponse, status: number, text: string, type = TEXT): void => {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
};

/** Why the service cannot do its work now: NATS must answer, within 2 seconds, and the service must not be stopping. */
const hindranceOf = async ({ nats, isStopping }: AdminOptions): Promise<string | undefined> => {
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

/** Serves `/healthz`, `/readyz` and `/metrics`, for the operator's machines only. @throws Error of the socket */
export const listenAdmin = async (options: AdminOptions): Promise<Listener> => {
  const ofProcess = new ProcessMeter(options.service, options.nats);
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'only GET\n');
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz') return answer(response, 200, 'ok\n');
    if (path === '/metrics') return answer(response, 200, options.meter.text() + ofProcess.text(), EXPOSITION);
    if (path !== '/readyz') return answer(response, 404, 'there are /healthz, /readyz and /metrics\n');
    void hindranceOf(options).then((why) => answer(response, why === undefined ? 200 : 503, `${why ?? 'ready'}\n`));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  }).catch((error: unknown) => {
    ofProcess.close();
    throw error;
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        ofProcess.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
