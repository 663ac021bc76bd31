import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authenticator, errors, type NatsConnection } from '@nats-io/nats-core';
import { connect, type NodeConnectionOptions } from '@nats-io/transport-node';
import {
  CredentialsError,
  liveAuthenticator,
  NEVER_GIVE_UP,
  onceInARow,
  tellRefusals,
} from '#model/nats/credentials.ts';
import { inboxPrefix } from '#model/nats/roles.ts';
import { clockFault } from '#telemetry/clock-fault.ts';
import { fileFault, secretFault } from '#telemetry/file-fault.ts';

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
/** For one try: a server that closes with a word that the client library does not know leaves it waiting. */
const CONNECT_MS = 5000;

/** How long a file that cannot be used is left alone: at first, and doubled each time up to that. */
const FILE_RETRY_MS = 250;
const MAX_FILE_RETRY_MS = 4000;

/** Credentials or CA cannot be used as they are now. */
export class FileError extends Error {}

type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

const pauseUnlessAborted: Pause = async (ms, signal) => {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

/**
 * Connects, however long that takes, and never gives up again. Files are read anew each time, also to connect again: one
 * that is put in place later, or right, heals it.
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
  const tell = onceInARow(onError);
  let fileRetryMs = FILE_RETRY_MS;
  while (!signal.aborted) {
    let waitMs = RECONNECT_MS;
    try {
      const nats = await connect(connectOptions(options, tell));
      tell(undefined);
      void tellRefusals(nats, options.credentials, tell);
      return nats;
    } catch (error) {
      tell(error instanceof FileError ? later(error) : unreachable(options, error));
      if (error instanceof FileError) {
        waitMs = fileRetryMs;
        fileRetryMs = Math.min(2 * fileRetryMs, MAX_FILE_RETRY_MS);
      } else fileRetryMs = FILE_RETRY_MS;
    }
    await pause(waitMs, signal);
  }
  return undefined;
};

const unreachable = ({ servers, credentials }: NatsOptions, cause: unknown): Error => {
  const said = cause instanceof Error ? cause.message : String(cause);
  const at = `NATS at ${servers.join(', ')}`;
  const clock = clockFault(said);
  if (clock !== undefined) return new Error(`the certificate of ${at} is refused: ${clock}; it is tried again`);
  return cause instanceof errors.AuthorizationError
    ? new Error(`${at} refuses ${credentials ?? 'a client without credentials'} (${said}): put valid credentials there`)
    : new Error(`${at} cannot be reached (${said}); it is tried again: start it, or change [control] servers`);
};

const later = ({ message, cause }: FileError): Error => new Error(`${message}; it is tried again`, { cause });

/** Whether a connection could be made with credentials and CA as they are on disk now. @throws FileError when not */
export const checkFiles = (options: NatsOptions): void => void connectOptions(options, () => undefined);

/** @throws FileError when credentials or CA cannot be used */
const connectOptions = (options: NatsOptions, onError: (error: unknown) => void): NodeConnectionOptions => {
  const { servers, credentials, ca, pop, worker } = options;
  if (ca !== undefined) checkCa(ca);
  return {
    ...NEVER_GIVE_UP,
    servers: [...servers],
    name: `${pop}/${worker}`,
    timeout: CONNECT_MS,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // The worker may listen under a name of its own only.
    inboxPrefix: inboxPrefix({ role: 'worker', pop, worker }),
    ...(credentials !== undefined && { authenticator: readCredentials(credentials, onError) }),
    ...(ca !== undefined && { tls: { caFile: ca } }),
  };
};

/** At once, for the client library asks for credentials in the middle of its work; a local file of a few hundred bytes. */
const readBytes = (what: string, file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new FileError(`${what} ${file} cannot be read, ${fileFault(cause)}`);
  }
};

const readSecret = (file: string): Buffer => {
  const what = 'the credentials file';
  const bytes = readBytes(what, file);
  const fault = secretFault(file);
  if (fault !== undefined) throw new FileError(`${what} ${file} ${fault}`);
  return bytes;
};

const readCredentials = (file: string, onError: (error: unknown) => void): Authenticator => {
  const named = (error: unknown): FileError =>
    error instanceof CredentialsError
      ? new FileError(`the credentials file ${file} ${error.message}`)
      : (error as FileError);
  try {
    return liveAuthenticator(
      () => readSecret(file),
      (error) => onError(later(named(error))),
    );
  } catch (error) {
    throw named(error);
  }
};

const checkCa = (file: string): void => {
  const pem = readBytes('the CA file', file);
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new FileError(`the CA file ${file} holds no certificate`, { cause });
  }
};
