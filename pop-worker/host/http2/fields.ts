import { type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import type { Fields } from '#protocol/qpack/field.ts';

/** Values that no compression table may hold (RFC 7541 §7.1.3). */
const SENSITIVE = ['authorization', 'proxy-authorization'];

/** A field section as Node's http2 takes it. */
export const toHeaders = (fields: Fields): OutgoingHttpHeaders => {
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (const { name, value } of fields) {
    const before = headers[name];
    headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [String(before)]), value];
  }
  (headers as Record<symbol, readonly string[]>)[sensitiveHeaders] = SENSITIVE;
  return headers;
};

/** @param raw names and values in turns, in the order in which they came */
export const fromRawHeaders = (raw: readonly string[]): Fields => {
  const fields: { name: string; value: string }[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push({ name: raw[i] as string, value: raw[i + 1] as string });
  return fields;
};
