import type { Fields } from '#protocol/qpack/field.ts';

/** Why a proxy refuses: RFC 9209 §2.3, with the status code that goes with it. */
export const ProxyErrorStatus = {
  dns_timeout: 504,
  dns_error: 502,
  destination_not_found: 500,
  destination_unavailable: 503,
  destination_ip_prohibited: 502,
  destination_ip_unroutable: 502,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_limit_reached: 503,
  http_request_error: 400,
  http_request_denied: 403,
  proxy_internal_error: 500,
  proxy_configuration_error: 500,
  proxy_loop_detected: 502,
} as const;
export type ProxyError = keyof typeof ProxyErrorStatus;

export interface Refusal {
  readonly error: ProxyError;
  /** For humans; printable ASCII, nothing secret. */
  readonly details?: string;
  /** DNS response code, with `dns_error` (RFC 9209 §2.3.2). */
  readonly rcode?: string;
  /** Instead of the one that goes with the error. */
  readonly status?: number;
  /** When to ask again (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number;
}

const string = (text: string): string => `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&')}"`;

/** A token of structured fields (RFC 9651 §3.3.4), else a string. */
const item = (text: string): string => (/^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/.test(text) ? text : string(text));

/** @param proxy the name that this proxy goes by */
export const proxyStatus = (proxy: string, refusal: Refusal): string => {
  let value = `${item(proxy)}; error=${refusal.error}`;
  if (refusal.rcode !== undefined) value += `; rcode=${string(refusal.rcode)}`;
  if (refusal.details !== undefined) value += `; details=${string(refusal.details)}`;
  return value;
};

/** The response that says so. */
export const refusalFields = (proxy: string, refusal: Refusal): Fields => [
  { name: ':status', value: String(refusal.status ?? ProxyErrorStatus[refusal.error]) },
  { name: 'proxy-status', value: proxyStatus(proxy, refusal) },
  ...(refusal.retryAfterSeconds === undefined
    ? []
    : [{ name: 'retry-after', value: String(refusal.retryAfterSeconds) }]),
];

/** The error token of the last proxy that wrote a Proxy-Status, as far as a client needs it. */
export const proxyErrorOf = (fields: Fields): string | undefined => {
  const value = fields.findLast((field) => field.name === 'proxy-status')?.value ?? '';
  // Strings may hold anything that looks like a parameter.
  return /;[ ]*error=([A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*)/.exec(
    value.replaceAll(/"(?:[^"\\]|\\.)*(?:"|$)/g, '""'),
  )?.[1];
};
