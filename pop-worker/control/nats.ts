import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { credsAuthenticator, type NatsConnection, nkeyAuthenticator } from '@nats-io/nats-core';
import { connect, type NodeConnectionOptions } from '@nats-io/transport-node';
import { inboxPrefix } from '#model/nats/roles.ts';

export interface NatsOptions {
  readonly servers: readonly string[];
  /** File with an nkey seed, or with a user JWT and its seed (`.creds`). */
  readonly credentials?: string;
  /** File with the CA (PEM) that signed the servers' certificates. */
  readonly ca?: string;
  readonly pop: string;
  readonly worker: string;
}

const RECONNECT_MS = 250;
const RECONNECT_JITTER_MS = 250;
const PING_MS = 5000;

/**
 * Connects, however long that takes, and never gives up again.
 *
 * @param onError is told why it did not work yet
 * @returns the first connection, or undefined when `signal` came first
 * @throws only what waiting cannot mend: credentials or CA that cannot be read
 */
export const connectNats = async (
  options: NatsOptions,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<NatsConnection | undefined> => {
  const { servers, credentials, ca, pop, worker } = options;
  const secret = credentials === undefined ? undefined : await readFile(credentials);
  const connectOptions: NodeConnectionOptions = {
    servers: [...servers],
    name: `${pop}/${worker}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // The worker may listen under a name of its own only.
    inboxPrefix: inboxPrefix({ role: 'worker', pop, worker }),
    ...(secret !== undefined && { authenticator: authenticatorFor(secret) }),
    ...(ca !== undefined && { tls: { ca: await readFile(ca, 'utf8') } }),
  };
  while (!signal.aborted) {
    try {
      return await connect(connectOptions);
    } catch (error) {
      onError(error);
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
};

const authenticatorFor = (secret: Buffer) => {
  const text = secret.toString('utf8').trim();
  if (text.includes('-----BEGIN NATS USER JWT-----')) return credsAuthenticator(new Uint8Array(secret));
  return nkeyAuthenticator(new TextEncoder().encode(text));
};
