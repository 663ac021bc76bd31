import { nkeys } from '@nats-io/nats-core';
import { type NatsRole, natsPermissions } from './roles.ts';

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

export const accountJwt = (
  operator: NatsKey,
  account: string,
  options: { readonly name: string; readonly jetstream: boolean },
  nowSeconds: number,
): string => {
  const limits = { ...LIMITS, ...(options.jetstream && JETSTREAM) };
  return sign(operator, account, options.name, { type: 'account', version: VERSION, limits }, nowSeconds);
};

/** What a role connects with: its JWT and its seed, in the form of NATS' `.creds` files. */
export const userCredentials = (account: NatsKey, role: NatsRole, name: string, nowSeconds: number): string => {
  const user = nkeys.createUser();
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
