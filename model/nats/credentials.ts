import {
  type Authenticator,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/nats-core';

/** A secret that NATS cannot be proven anything with; the message is a predicate, to be put behind the file's name. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

/**
 * What never lets a connection go: the client library gives up for ever after two refusals in a row, which a server that
 * is too busy to authenticate or whose accounts are being changed is enough for.
 */
export const NEVER_GIVE_UP = { maxReconnectAttempts: -1, ignoreAuthErrorAbort: true } as const;

/**
 * @param secret an nkey seed, or a user JWT and its seed (`.creds`)
 * @throws CredentialsError without the cause: its words may be of the secret
 */
export const authenticatorFor = (secret: Uint8Array): Authenticator => {
  const text = new TextDecoder().decode(secret).trim();
  const isCreds = text.includes('-----BEGIN NATS USER JWT-----');
  const authenticator = isCreds ? credsAuthenticator(secret) : nkeyAuthenticator(new TextEncoder().encode(text));
  try {
    // It looks into the secret only when it is asked.
    authenticator();
  } catch {
    throw new CredentialsError('holds neither an nkey seed nor a user JWT with its seed');
  }
  return authenticator;
};

/**
 * Reads the secret anew for each connection, so that one that was replaced needs no restart. It never throws, for the client
 * library closes a connection whose authenticator does: what cannot be used is told, and what was used before is used again.
 *
 * @param read the secret; throws when it cannot
 * @param onError is told why the secret of before is used
 * @throws what `read` throws, or CredentialsError: at first there is none of before
 */
export const liveAuthenticator = (read: () => Uint8Array, onError: (error: unknown) => void): Authenticator => {
  let last = authenticatorFor(read());
  return (nonce) => {
    try {
      last = authenticatorFor(read());
    } catch (error) {
      onError(error);
    }
    return last(nonce);
  };
};

/** Of the same reason in a row, `onError` hears once; `undefined` says that it is over. */
export const onceInARow = (onError: (error: unknown) => void): ((error: unknown) => void) => {
  let told: string | undefined;
  return (error) => {
    const reason = error instanceof Error ? error.message : String(error);
    if (error !== undefined && reason !== told) onError(error);
    told = error === undefined ? undefined : reason;
  };
};

/** A connection that was let in once and is not any more tells only who follows it. @param tell `onceInARow` */
export const tellRefusals = async (
  nats: NatsConnection,
  credentials: string | undefined,
  tell: (error: unknown) => void,
): Promise<void> => {
  for await (const status of nats.status()) {
    if (status.type === 'reconnect') tell(undefined);
    if (status.type !== 'error') continue;
    const { error } = status;
    const isRefusal =
      error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;
    if (!isRefusal) continue;
    const whose = credentials === undefined ? 'a client without credentials' : `the credentials of ${credentials}`;
    tell(
      new Error(`NATS refuses ${whose} (${error.message}): put valid ones there, it is tried again`, { cause: error }),
    );
  }
};
