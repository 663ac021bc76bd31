/**
 * Calls the API as a service account does. stdin: an `ApiOrder`; stdout: the answers as one JSON object.
 * usage: node lab/probes/api.ts
 */
import { text } from 'node:stream/consumers';
import { type Account, accessToken, deviceToken, type Exchange } from './account.ts';

export interface ApiOrder extends Account {
  readonly calls?: readonly ApiCall[];
  /** Asks for a token of each of these devices. */
  readonly exchanges?: readonly Exchange[];
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
  readonly tokens: readonly string[];
}

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
const tokens: string[] = [];
for (const exchange of order.exchanges ?? []) tokens.push(await deviceToken(access, exchange));
console.log(JSON.stringify({ answers, tokens } satisfies ApiAnswers));
