import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authenticator, credsAuthenticator, type NatsConnection, nkeyAuthenticator } from '@nats-io/nats-core';
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

/** How long a file that cannot be used is left alone: at first, and doubled each time up to that. */
const FILE_RETRY_MS = 250;
const MAX_FILE_RETRY_MS = 4000;

/** Credentials or CA cannot be used as they are now. */
class FileError extends Error {}

type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

const pauseUnlessAborted: Pause = async (ms, signal) => {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

/**
 * Connects, however long that takes, and never gives up again. Files are read anew each time: one that is put in place
 * later, or right, heals it.
 *
 * @param onError is told why it did not work yet, once for the same reason in a row
 * @param pause between two times; never rejects
 * @returns the first connection, or undefined when `signal` came first
 */
export const connectNats = async (
  options: NatsOptions,
  signal: AbortSignal,
  onError: (error: unknown) => void,
  pause: Pause = pauseUnlessAborted,
): Promise<NatsConnection | undefined> => {
  let told: string | undefined;
  let fileRetryMs = FILE_RETRY_MS;
  while (!signal.aborted) {
    let waitMs = RECONNECT_MS;
    try {
      return await connect(await readConnectOptions(options));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) onError(error);
      told = reason;
      if (error instanceof FileError) {
        waitMs = fileRetryMs;
        fileRetryMs = Math.min(2 * fileRetryMs, MAX_FILE_RETRY_MS);
      } else fileRetryMs = FILE_RETRY_MS;
    }
    await pause(waitMs, signal);
  }
  return undefined;
};

/** @throws FileError when credentials or CA cannot be used */
const readConnectOptions = async (options: NatsOptions): Promise<NodeConnectionOptions> => {
  const { servers, credentials, ca, pop, worker } = options;
  return {
    servers: [...servers],
    name: `${pop}/${worker}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // The worker may listen under a name of its own only.
    inboxPrefix: inboxPrefix({ role: 'worker', pop, worker }),
    ...(credentials !== undefined && { authenticator: await readCredentials(credentials) }),
    ...(ca !== undefined && { tls: { ca: await readCa(ca) } }),
  };
};

const readBytes = (what: string, file: string): Promise<Buffer> =>
  readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new FileError(`${what} ${file} cannot be read (${cause.code}): it is tried again`, { cause });
  });

const readCredentials = async (file: string): Promise<Authenticator> => {
  const secret = await readBytes('the credentials file', file);
  const authenticator = authenticatorFor(secret);
  try {
    // It looks into the secret only when it is asked; a file that is half there shall be told by its name.
    authenticator();
  } catch {
    // Without the cause: its words may be of the secret.
    throw new FileError(
      `the credentials file ${file} holds neither an nkey seed nor a user JWT with its seed: it is tried again`,
    );
  }
  return authenticator;
};

const readCa = async (file: string): Promise<string> => {
  const pem = await readBytes('the CA file', file);
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new FileError(`the CA file ${file} holds no certificate: it is tried again`, { cause });
  }
  return pem.toString('utf8');
};

const authenticatorFor = (secret: Buffer): Authenticator => {
  const text = secret.toString('utf8').trim();
  if (text.includes('-----BEGIN NATS USER JWT-----')) return credsAuthenticator(new Uint8Array(secret));
  return nkeyAuthenticator(new TextEncoder().encode(text));
};
