import type { nkeys } from '@nats-io/nats-core';
import { type NatsRole, natsPermissions, type Shared } from './roles.ts';

/** An nkey pair: Ed25519 with a letter in front that says what it is for. */
export type NatsKey = nkeys.KeyPair;

const NO_LIMIT = -1;
/** Version of NATS' JWTs (nats-io/jwt v2). */
const VERSION = 2;

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const sign = (issuer: NatsKey, subject: string, name: string, nats: object, nowSeconds: number): string => {
  const encode = (value: object): string => base64url(new TextEncoder().encode(JSON.stringify(value)));
  const claims = { jti: crypto.randomUUID(), iat: nowSeconds, iss: issuer.getPublicKey(), name, sub: subject, nats };
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`;
  return `${text}.${base64url(issuer.sign(new TextEncoder().encode(text)))}`;
};

/** The operator says which accounts there are; its key is used at set-up only. */
export const operatorJwt = (operator: NatsKey, systemAccount: string, nowSeconds: number): string =>
  sign(
    operator,
    operator.getPublicKey(),
    'cloudbridge',
    { type: 'operator', version: VERSION, system_account: systemAccount },
    nowSeconds,
  );

const LIMITS = {
  subs: NO_LIMIT,
  data: NO_LIMIT,
  payload: NO_LIMIT,
  imports: NO_LIMIT,
  exports: NO_LIMIT,
  wildcards: true,
  conn: NO_LIMIT,
  leaf: NO_LIMIT,
};
/** The system account may have no JetStream. */
const JETSTREAM = { mem_storage: NO_LIMIT, disk_storage: NO_LIMIT, streams: NO_LIMIT, consumer: NO_LIMIT };

export interface AccountOptions {
  readonly name: string;
  /** Whether it may have streams. */
  readonly jetstream: boolean;
  /** What other accounts may use of it. */
  readonly shares?: readonly (Shared & { readonly manyAnswers?: true })[];
  /** What it uses of others. */
  readonly takes?: readonly (Shared & { readonly from: string })[];
  /** Connections at once; absent: any number. */
  readonly connections?: number;
}

/**
 * An account: subjects, streams and replies of one are nobody else's, except for what is shared. This is what holds an
 * outside role to its permissions: the server looks at the subject that a message is sent to, but not at the reply subject
 * in it, and answers there in the sender's own account.
 */
export const accountJwt = (operator: NatsKey, account: string, options: AccountOptions, nowSeconds: number): string => {
  const { name, jetstream, shares = [], takes = [], connections = NO_LIMIT } = options;
  const limits = { ...LIMITS, conn: connections, ...(jetstream && JETSTREAM) };
  const exports = shares.map(({ type, subject, manyAnswers }) => ({
    name: `${type} ${subject}`,
    type,
    subject,
    ...(manyAnswers && { response_type: 'Stream' }),
  }));
  const imports = takes.map(({ type, subject, localSubject, from }) => ({
    name: `${type} ${subject}`,
    type,
    subject,
    ...(localSubject !== undefined && { local_subject: localSubject }),
    account: from,
  }));
  const nats = { type: 'account', version: VERSION, limits, exports, imports };
  return sign(operator, account, name, nats, nowSeconds);
};

/** What a role connects with: its JWT and its seed, in the form of NATS' `.creds` files. */
export const userCredentials = (
  account: NatsKey,
  user: NatsKey,
  role: NatsRole,
  name: string,
  nowSeconds: number,
): string => {
  const { publish, subscribe, respond } = natsPermissions(role);
  const nats = {
    type: 'user',
    version: VERSION,
    subs: NO_LIMIT,
    data: NO_LIMIT,
    payload: NO_LIMIT,
    pub: { allow: publish },
    sub: { allow: subscribe },
    ...(respond && { resp: { max: 1, ttl: 30_000_000_000 } }),
  };
  const token = sign(account, user.getPublicKey(), name, nats, nowSeconds);
  const seed = new TextDecoder().decode(user.getSeed());
  return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
};
