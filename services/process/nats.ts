import { readFileSync } from 'node:fs';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { liveAuthenticator, NEVER_GIVE_UP, onceInARow, tellRefusals } from '#model/nats/credentials.ts';
import { inboxPrefix } from '#model/nats/roles.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import type { ServicesConfig } from './config.ts';

const CONNECT_MS = 5000;

/**
 * Connects as the services' role, makes what the store needs, and never gives the connection up. Credentials and CA are read
 * anew for each connection.
 *
 * @param report is told why the connection does not come back
 */
export const connectStore = async (
  { nats }: Pick<ServicesConfig, 'nats'>,
  name: string,
  report: (error: unknown) => void,
): Promise<NatsConnection> => {
  const { servers, credentials, ca, replicas } = nats;
  const tell = onceInARow(report);
  const connection = await connect({
    ...NEVER_GIVE_UP,
    servers: [...servers],
    name,
    timeout: CONNECT_MS,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 5000,
    maxPingOut: 2,
    inboxPrefix: inboxPrefix({ role: 'services' }),
    ...(credentials !== undefined && { authenticator: liveAuthenticator(() => readFileSync(credentials), tell) }),
    ...(ca !== undefined && { tls: { caFile: ca } }),
  });
  void tellRefusals(connection, credentials, tell);
  try {
    await ensureStreams(connection, { replicas });
    return connection;
  } catch (error) {
    // An open connection would keep the process from ending.
    await connection.close();
    throw error;
  }
};
