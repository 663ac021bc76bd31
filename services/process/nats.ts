import { readFile } from 'node:fs/promises';
import { credsAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { inboxPrefix } from '#model/nats/roles.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import type { ServicesConfig } from './config.ts';

/** Connects as the services' role, makes what the store needs, and never gives the connection up. */
export const connectStore = async ({ nats }: ServicesConfig, name: string): Promise<NatsConnection> => {
  const { servers, credentials, ca, replicas } = nats;
  const connection = await connect({
    servers: [...servers],
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 5000,
    maxPingOut: 2,
    inboxPrefix: inboxPrefix({ role: 'services' }),
    ...(credentials !== undefined && {
      authenticator: credsAuthenticator(new Uint8Array(await readFile(credentials))),
    }),
    ...(ca !== undefined && { tls: { ca: await readFile(ca, 'utf8') } }),
  });
  await ensureStreams(connection, { replicas });
  return connection;
};
