import { JetStreamApiError } from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import {
  CredentialsError,
  liveAuthenticator,
  NEVER_GIVE_UP,
  onceInARow,
  tellRefusals,
} from '#model/nats/credentials.ts';
import { inboxPrefix } from '#model/nats/roles.ts';
import { CREATE_FAILED, ensureStreams } from '#services/store/buckets.ts';
import { readCertificate, readSecretFile } from '#settings/key-files.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { clockFault } from '#telemetry/clock-fault.ts';
import type { ServicesConfig } from './config.ts';

const CONNECT_MS = 5000;
/** Where somebody is there and does not answer in time: a server that starts, or a machine that is busy. */
const CONNECT_TRIES = 4;
/** "insufficient storage resources available" (nats-server, errors.json). */
const NO_STORAGE = 10_047;

/** Why there is no first connection. */
const connectFault = ({ servers, credentials }: ServicesConfig['nats'], error: unknown): unknown => {
  if (error instanceof ConfigError || !(error instanceof Error)) return error;
  if (error instanceof CredentialsError) return new ConfigError(`the credentials file ${credentials} ${error.message}`);
  const at = servers.join(', ');
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
    const whose = credentials === undefined ? 'a client without credentials' : `the credentials of ${credentials}`;
    return new ConfigError(`NATS at ${at} refuses ${whose} (${error.message}): put valid credentials there`);
  }
  const clock = clockFault(error.message);
  if (clock !== undefined) return new ConfigError(`the certificate of NATS at ${at} is refused: ${clock}`);
  return new ConfigError(`NATS at ${at} cannot be reached (${error.message}): start it or change [nats] servers`);
};

/** Why what the store needs cannot be made. */
const streamsFault = (servers: readonly string[], error: unknown): unknown => {
  const at = servers.join(', ');
  if (error instanceof JetStreamApiError && error.code === NO_STORAGE) {
    const text = `NATS at ${at} has no room for its streams (${error.message})`;
    return new ConfigError(`${text}: give its store_dir a disk with 2 GiB free, or raise max_file_store`);
  }
  if (error instanceof JetStreamApiError && CREATE_FAILED.has(error.code)) {
    const text = `NATS at ${at} cannot create a stream (${error.message})`;
    return new ConfigError(`${text}: its log says why; its store_dir must be writable, and nobody else's`);
  }
  if ((error as Error).name !== 'JetStreamNotEnabled') return error;
  return new ConfigError(`NATS at ${at} runs without JetStream: start it with the installation's nats.conf`);
};

/**
 * Connects as the services' role, makes what the store needs, and never gives the connection up. Credentials and CA are read
 * anew for each connection.
 *
 * @param report is told why the connection does not come back
 * @throws ConfigError when there is no first one
 */
export const connectStore = async (
  { nats }: Pick<ServicesConfig, 'nats'>,
  name: string,
  report: (error: unknown) => void,
): Promise<NatsConnection> => {
  const { servers, credentials, ca, replicas } = nats;
  const tell = onceInARow(report);
  const secret = (): Buffer => readSecretFile(credentials ?? '', 'the credentials file');
  if (ca !== undefined) readCertificate(ca, 'the CA file');
  const connecting = async (): Promise<NatsConnection> =>
    connect({
      ...NEVER_GIVE_UP,
      servers: [...servers],
      name,
      timeout: CONNECT_MS,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 5000,
      maxPingOut: 2,
      inboxPrefix: inboxPrefix({ role: 'services' }),
      ...(credentials !== undefined && { authenticator: liveAuthenticator(secret, tell) }),
      ...(ca !== undefined && { tls: { caFile: ca } }),
    });
  const reached = (triesLeft: number): Promise<NatsConnection> =>
    connecting().catch((error: unknown) => {
      if (error instanceof errors.TimeoutError && triesLeft > 1) return reached(triesLeft - 1);
      throw connectFault(nats, error);
    });
  const connection = await reached(CONNECT_TRIES);
  void tellRefusals(connection, credentials, tell);
  try {
    await ensureStreams(connection, { replicas });
    return connection;
  } catch (error) {
    // An open connection would keep the process from ending.
    await connection.close();
    throw streamsFault(servers, error);
  }
};
