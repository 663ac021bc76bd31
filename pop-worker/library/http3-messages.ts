import type { Field, Fields } from '#protocol/qpack/field.ts';

/** May be done twice without harm, so early data may ask for it (RFC 8470 §3, RFC 9110 §9.2.1). */
export const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** Fields that belong to a connection, which HTTP/3 has other means for (RFC 9114 §4.2). */
const CONNECTION_FIELDS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
/** Never put where a later request could be compared with it (RFC 9204 §7.1.3). */
const SENSITIVE = new Set(['authorization', 'cookie', 'set-cookie', 'proxy-authorization']);

/** @param skip names that stand elsewhere, in pseudo-header fields */
export const fieldsOf = (headers: Headers, skip: readonly string[] = []): Field[] =>
  [...headers]
    .filter(([name]) => !CONNECTION_FIELDS.has(name) && !skip.includes(name))
    .map(([name, value]) => ({ name, value, ...(SENSITIVE.has(name) && { sensitive: true }) }));

/** Cookie lines become one (RFC 9114 §4.2.1); of other names each line counts. */
export const headersOf = (fields: Fields): Headers => {
  const headers = new Headers();
  const cookies: string[] = [];
  for (const { name, value } of fields) {
    if (name === 'cookie') cookies.push(value);
    else headers.append(name, value);
  }
  if (cookies.length > 0) headers.set('cookie', cookies.join('; '));
  return headers;
};
