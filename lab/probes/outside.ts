/**
 * Uses a lab as a program of the machine does. stdin: an `OutsideOrder`; stdout: an `OutsideReport` as one JSON object.
 * usage: NODE_EXTRA_CA_CERTS=ca.pem node lab/probes/outside.ts
 */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { credsAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { OutsideAccess } from '../outside.ts';
import { type Account, accessToken } from './account.ts';

export interface OutsideOrder extends OutsideAccess {
  readonly operator: Account;
}

export interface OutsideReport {
  /** What answered as it should. */
  readonly reached: readonly string[];
  /** From when a change was asked for to when its event was there. */
  readonly eventMs: number;
  /** Whether NATS keeps the other tenants' events from this one. */
  readonly othersRefused: boolean;
}

const EVENT_MS = 5000;
const order = JSON.parse(await text(process.stdin)) as OutsideOrder;
const reached: string[] = [];

const get = async (url: string): Promise<string> => {
  const response = await fetch(url);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${body}`);
  return body;
};

const discovery = JSON.parse(await get(`${order.issuer}/.well-known/openid-configuration`)) as { issuer: string };
if (discovery.issuer !== order.issuer) throw new Error(`The issuer calls itself ${discovery.issuer}.`);
const access = await accessToken(order.operator);
reached.push('issuer');
for (const [name, base] of [
  ['edge', order.server],
  ['services', order.services],
] as const) {
  await get(`${base}/openapi.json`);
  reached.push(name);
}
await get(`${order.tokenService}/.well-known/jwks.json`);
reached.push('tokens');

const join = async (): Promise<NatsConnection> =>
  connect({
    servers: order.nats,
    authenticator: credsAuthenticator(new Uint8Array(await readFile(order.integrator.credentials))),
    tls: { ca: await readFile(order.ca, 'utf8') },
  });

/** The first event after a change through the API. */
const watch = async (nats: NatsConnection, tenant: string): Promise<number> => {
  const subscription = nats.subscribe(`cb.events.${tenant}.>`, { max: 1, timeout: EVENT_MS });
  await nats.flush();
  const start = performance.now();
  const response = await fetch(`${order.server}/v1/tenants/${tenant}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
    body: JSON.stringify({ displayName: 'Changed from outside' }),
  });
  if (response.status !== 200) throw new Error(`The API answered ${response.status}: ${await response.text()}`);
  for await (const { subject } of subscription) {
    if (subject !== `cb.events.${tenant}.tenant.updated.${tenant}`) throw new Error(`The first event is ${subject}.`);
  }
  return Math.round(performance.now() - start);
};

const isRefused = (nats: NatsConnection, subject: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    nats.subscribe(subject, { callback: (error) => resolve(error !== null) });
    // A refusal comes before the answer to what is sent after it.
    nats.flush().then(() => setImmediate(resolve, false), reject);
  });

const nats = await join();
const eventMs = await watch(nats, order.integrator.tenant);
reached.push('nats');
const othersRefused = await isRefused(nats, 'cb.events.>');
await nats.close();
for (const [pop, url] of Object.entries(order.metrics)) {
  if (!(await get(url)).includes('\ncloudbridge_')) throw new Error(`${url} has no metrics of ours.`);
  reached.push(pop);
}
console.log(JSON.stringify({ reached, eventMs, othersRefused } satisfies OutsideReport));
