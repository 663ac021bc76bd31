import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from '@nats-io/nats-core';
import { type AdminSource, answerAdmin, natsHindrance } from './admin-paths.ts';
import { ConnectionMeter } from './connection-meter.ts';
import type { Meter } from './meter.ts';
import type { Listener } from './node.ts';
import { ProcessMeter } from './process-meter.ts';

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

/** Serves `/healthz`, `/readyz` and `/metrics`, for the operator's machines only. @throws Error of the socket */
export const listenAdmin = async (options: AdminOptions): Promise<Listener> => {
  const { service, nats, meter, isStopping } = options;
  const ofProcess = new ProcessMeter();
  const ofConnection = new ConnectionMeter(service);
  void ofConnection.follow(nats);
  const source: AdminSource = {
    metrics: () => meter.text() + ofConnection.text() + ofProcess.text(),
    hindrance: async () => (isStopping() ? 'the service is stopping' : natsHindrance(() => nats.flush())),
  };
  const server = createServer((request, response) => {
    void answerAdmin(request.method ?? '', request.url ?? '', source).then(({ status, text, headers }) =>
      response.writeHead(status, headers).end(text),
    );
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
