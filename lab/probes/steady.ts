/**
 * Calls the API and asks for tokens all the time, as callers that do not give up: what was not answered, or with "later",
 * is sent again under the same Idempotency-Key. stdin: a `SteadyOrder`; stdout: `under way` once all of them were answered
 * for the first time, at the end a `Steady` as one JSON object.
 * usage: node lab/probes/steady.ts
 */
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, accessToken, deviceToken, type Exchange, Refused } from './account.ts';

export interface SteadyOrder {
  readonly operator: Account;
  /** URLs of the API, each called by loops of its own. */
  readonly apis: readonly string[];
  readonly owner: Account;
  readonly exchange: Exchange;
  /** For how long after all are under way. */
  readonly seconds: number;
}

export interface Steady {
  /** That were answered, each once however often it was sent. */
  readonly calls: number;
  readonly tokens: number;
  /** Sent again. */
  readonly retries: number;
  /** Not answered, or refused. */
  readonly failed: number;
  readonly failures: readonly string[];
  /** Of the slowest call, retries included. */
  readonly longestMs: number;
  /** Tenants that are left although their caller made each once and ended it. */
  readonly leftOver: number;
}

const LOOPS = 2;
const GIVE_UP_MS = 10_000;
const RETRY_MS = 50;
const TOKEN_EVERY_MS = 250;
/** What tells the tenants that are made here. */
const NAME = 'Steady callers';

const order = JSON.parse(await text(process.stdin)) as SteadyOrder;
const failures: string[] = [];
let [calls, tokens, retries, longestMs] = [0, 0, 0, 0];

/** Does it until it is done. @returns undefined when it failed */
const persist = async <T>(attempt: () => Promise<T>): Promise<T | undefined> => {
  const start = performance.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const isLasting = error instanceof Refused && error.status !== 502 && error.status !== 503;
      if (isLasting || performance.now() - start > GIVE_UP_MS) {
        failures.push(String(error instanceof Error ? (error.cause ?? error.message) : error));
        return undefined;
      }
      retries++;
      await sleep(RETRY_MS);
    } finally {
      longestMs = Math.max(longestMs, Math.round(performance.now() - start));
    }
  }
};

let access = '';

const call = async (method: string, url: string, body?: object): Promise<Record<string, unknown> | undefined> => {
  const key = crypto.randomUUID();
  const answer = await persist(async () => {
    const headers = {
      authorization: `Bearer ${access}`,
      ...(method !== 'GET' && { 'idempotency-key': key }),
      ...(body && { 'content-type': 'application/json' }),
    };
    const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const answered = await response.text();
    if (response.status >= 300) throw new Refused(url, response.status, answered);
    return answered === '' ? {} : (JSON.parse(answered) as Record<string, unknown>);
  });
  if (answer !== undefined) calls++;
  return answer;
};

/** A tenant under a made-up name: carried out twice, a request would leave one behind. */
const liveAndEnd = async (api: string): Promise<void> => {
  const made = await call('POST', `${api}/v1/tenants`, { displayName: NAME });
  if (made === undefined) return;
  const url = `${api}/v1/tenants/${String(made['id'])}`;
  await call('GET', url);
  await call('DELETE', url);
};

const giveToken = async (): Promise<void> => {
  const token = await persist(async () => deviceToken(await accessToken(order.owner), order.exchange));
  if (token !== undefined) tokens++;
  await sleep(TOKEN_EVERY_MS);
};

access = (await persist(() => accessToken(order.operator))) ?? '';
const turns: readonly (() => Promise<void>)[] = [
  ...order.apis.flatMap((api) => Array.from({ length: LOOPS }, () => () => liveAndEnd(api))),
  giveToken,
];
await Promise.all(turns.map((turn) => turn()));
console.log('under way');
const end = performance.now() + order.seconds * 1000;
await Promise.all(
  turns.map(async (turn) => {
    while (performance.now() < end) await turn();
  }),
);
const listed = await call('GET', `${order.apis[0]}/v1/tenants?page.size=1000`);
const tenants = (listed?.['tenants'] ?? []) as { displayName?: string }[];
const leftOver = tenants.filter(({ displayName }) => displayName === NAME).length;
const steady: Steady = { calls, tokens, retries, failed: failures.length, failures, longestMs, leftOver };
console.log(JSON.stringify(steady));
