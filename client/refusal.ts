import type { ResponseHead } from '#protocol/http3/message.ts';
import { proxyErrorOf } from '#protocol/masque/proxy-status.ts';

/** How an edge refused a request. */
export interface EdgeRefusal {
  readonly status: number;
  /** What it says about it, for people; may be empty. */
  readonly detail: string;
  /** Error type of RFC 9209 §2.3. */
  readonly error: string | undefined;
  readonly retryAfterMs: number | undefined;
}

const MAX_RETRY_SECONDS = 3600;
const MAX_DETAIL_CHARACTERS = 200;

/** The `details` of the last Proxy-Status (RFC 9209 §2.1.5), without what a terminal might take for a command. */
const detailsOf = (head: ResponseHead): string => {
  const value = head.fields.findLast(({ name }) => name === 'proxy-status')?.value ?? '';
  const text = /;[ ]*details="((?:[^"\\]|\\.)*)"/.exec(value)?.[1] ?? '';
  return text
    .replaceAll(/\\(.)/g, '$1')
    .replaceAll(/[^\x20-\x7e]/g, '')
    .slice(0, MAX_DETAIL_CHARACTERS);
};

/** Retry-After in seconds (RFC 9110 §10.2.3); dates are not understood. */
const retryAfterOf = (head: ResponseHead): number | undefined => {
  const value = head.fields.find(({ name }) => name === 'retry-after')?.value ?? '';
  return /^[0-9]{1,9}$/.test(value) ? Math.min(Number(value), MAX_RETRY_SECONDS) * 1000 : undefined;
};

export const refusalOf = (head: ResponseHead): EdgeRefusal => {
  const error = proxyErrorOf(head.fields);
  return { status: head.status, detail: detailsOf(head) || (error ?? ''), error, retryAfterMs: retryAfterOf(head) };
};
