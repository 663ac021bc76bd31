/**
 * Calls the API as a service account does. stdin: an `ApiOrder`; stdout: the answers as one JSON object.
 * usage: node lab/probes/api.ts
 */
import { text } from 'node:stream/consumers';
import { importPKCS8, SignJWT } from 'jose';

export interface ApiOrder {
  readonly issuer: string;
  readonly project: string;
  /** Of the service account, as the identity provider gave it. */
  readonly key: { readonly keyId: string; readonly key: string; readonly userId: string };
  readonly calls?: readonly ApiCall[];
  /** Asks for a device's token (RFC 8693). */
  readonly exchange?: { readonly url: string; readonly tenant: string; readonly device: string };
}

export interface ApiCall {
  readonly method: string;
  readonly url: string;
  readonly body?: object;
}

export interface ApiAnswer {
  /** When the call was sent, in ms since 1970. */
  readonly sentMs: number;
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface ApiAnswers {
  readonly answers: readonly ApiAnswer[];
  readonly token?: string;
}

const form = async (url: string, fields: Record<string, string>): Promise<string> => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(body)}`);
  return body.access_token;
};

/** JWT bearer grant (RFC 7523), as Zitadel's service accounts use it. */
const accessToken = async ({ issuer, project, key }: ApiOrder): Promise<string> => {
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: key.keyId })
    .setIssuer(key.userId)
    .setSubject(key.userId)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(await importPKCS8(key.key, 'RS256'));
  return form(`${issuer}/oauth/v2/token`, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion,
    scope: `openid urn:zitadel:iam:org:projects:roles urn:zitadel:iam:org:project:id:${project}:aud`,
  });
};

const order = JSON.parse(await text(process.stdin)) as ApiOrder;
const access = await accessToken(order);
const answers: ApiAnswer[] = [];
for (const { method, url, body } of order.calls ?? []) {
  const headers = { authorization: `Bearer ${access}`, ...(body && { 'content-type': 'application/json' }) };
  const sentMs = Date.now();
  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const answer = await response.text();
  const parsed = answer === '' ? {} : (JSON.parse(answer) as Record<string, unknown>);
  answers.push({ sentMs, status: response.status, body: parsed });
}
const { exchange } = order;
const token =
  exchange &&
  (await form(exchange.url, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: access,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: `urn:cloudbridge:device:${exchange.tenant}/${exchange.device}`,
  }));
console.log(JSON.stringify({ answers, ...(token !== undefined && { token }) } satisfies ApiAnswers));
