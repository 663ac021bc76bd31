import type { Fields } from '#protocol/qpack/field.ts';
import { checkField } from './field-rules.ts';

/** The control data of a request (RFC 9114 §4.3.1) and its fields without it. */
export interface RequestHead {
  readonly method: string;
  /** Absent only in a plain CONNECT. */
  readonly scheme: string | undefined;
  /** The :authority, or else the Host field. */
  readonly authority: string | undefined;
  /** Absent only in a plain CONNECT. */
  readonly path: string | undefined;
  /** The upgrade token of an Extended CONNECT (RFC 8441 §4, RFC 9220). */
  readonly protocol: string | undefined;
  readonly fields: Fields;
}

export interface ResponseHead {
  /** 100 to 999; below 200 more responses follow. */
  readonly status: number;
  readonly fields: Fields;
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
/** A host with or without port; no userinfo, path or blanks (RFC 9114 §4.3.1, RFC 3986 §3.2). */
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=%[\]:]+$/;
const AUTHORITY_WITH_PORT = /^(?:\[[0-9A-Fa-f:.]+\]|[^:[\]]+):[0-9]{1,5}$/;
const PATH = /^\/[\x21\x22\x24-\x7e]*$/;
const STATUS = /^[1-9][0-9]{2}$/;

type Pseudo = Record<string, string | undefined>;

/** @returns the pseudo-header fields by name and the number of them, or what is wrong */
const split = (
  fields: Fields,
  section: 'request' | 'response',
  allowed: readonly string[],
): [Pseudo, number] | string => {
  const pseudo: Pseudo = {};
  let count = 0;
  for (const { name } of fields) {
    if (!name.startsWith(':')) break;
    if (!allowed.includes(name)) return 'undefined pseudo-header field';
    if (pseudo[name] !== undefined) return `${name} twice`;
    pseudo[name] = (fields[count] as { value: string }).value;
    count++;
  }
  for (let i = count; i < fields.length; i++) {
    const { name, value } = fields[i] as { name: string; value: string };
    if (name.startsWith(':')) return 'pseudo-header field behind a field';
    const wrong = checkField(name, value, section);
    if (wrong !== undefined) return wrong;
  }
  return [pseudo, count];
};

const REQUEST_PSEUDO = [':method', ':scheme', ':authority', ':path', ':protocol'] as const;

/** RFC 9114 §4.3.1: Host and :authority must agree. @returns the authority, or what is wrong */
const authorityOf = (authority: string | undefined, fields: Fields): { value: string | undefined } | string => {
  const hosts = fields.filter((field) => field.name === 'host');
  if (hosts.length > 1) return 'Host twice';
  const host = hosts[0]?.value;
  if (authority !== undefined && host !== undefined && authority !== host) return 'Host differs from :authority';
  const value = authority ?? host;
  if (value !== undefined && !AUTHORITY.test(value)) return 'invalid authority';
  return { value };
};

const checkTarget = (head: RequestHead, ownAuthority: boolean): string | undefined => {
  const { method, scheme, authority, path, protocol } = head;
  if (method === 'CONNECT' && protocol === undefined) {
    // RFC 9114 §4.4
    if (scheme !== undefined || path !== undefined) return 'CONNECT with :scheme or :path';
    if (!ownAuthority || authority === undefined) return 'CONNECT without :authority';
    return AUTHORITY_WITH_PORT.test(authority) ? undefined : 'CONNECT without port';
  }
  // RFC 8441 §4: :protocol only with CONNECT, and then with :scheme, :path and :authority.
  if (protocol !== undefined && (method !== 'CONNECT' || !METHOD.test(protocol) || !ownAuthority))
    return 'invalid :protocol';
  if (scheme === undefined || path === undefined) return 'no :scheme or :path';
  if (!SCHEME.test(scheme)) return 'invalid :scheme';
  const web = scheme === 'https' || scheme === 'http';
  if (web && authority === undefined) return 'no authority';
  if (!PATH.test(path) && !(path === '*' && method === 'OPTIONS') && (web || path !== '')) return 'invalid :path';
  return undefined;
};

/**
 * Checks a request's header section (RFC 9114 §4.1.2 to §4.4).
 *
 * @param extendedConnect whether :protocol is understood (SETTINGS_ENABLE_CONNECT_PROTOCOL was sent)
 * @returns the head, or why the request is malformed
 */
export const parseRequest = (fields: Fields, extendedConnect: boolean): RequestHead | string => {
  const parts = split(fields, 'request', extendedConnect ? REQUEST_PSEUDO : REQUEST_PSEUDO.slice(0, 4));
  if (typeof parts === 'string') return parts;
  const [pseudo, count] = parts;
  const method = pseudo[':method'];
  if (method === undefined || !METHOD.test(method)) return 'invalid :method';
  const regular = fields.slice(count);
  const authority = authorityOf(pseudo[':authority'], regular);
  if (typeof authority === 'string') return authority;
  const head: RequestHead = {
    method,
    scheme: pseudo[':scheme'],
    authority: authority.value,
    path: pseudo[':path'],
    protocol: pseudo[':protocol'],
    fields: regular,
  };
  return checkTarget(head, pseudo[':authority'] !== undefined) ?? head;
};

/** Checks a response's header section (RFC 9114 §4.3.2). @returns the head, or why the response is malformed */
export const parseResponse = (fields: Fields): ResponseHead | string => {
  const parts = split(fields, 'response', [':status']);
  if (typeof parts === 'string') return parts;
  const status = parts[0][':status'];
  if (status === undefined || !STATUS.test(status)) return 'invalid :status';
  // RFC 9114 §4.5
  if (status === '101') return 'there is no 101 in HTTP/3';
  return { status: Number(status), fields: fields.slice(parts[1]) };
};

/** @returns why a trailer section is malformed, undefined when it is not (RFC 9114 §4.3) */
export const checkTrailers = (fields: Fields): string | undefined => {
  for (const { name, value } of fields) {
    if (name.startsWith(':')) return 'pseudo-header field in trailers';
    const wrong = checkField(name, value, 'trailers');
    if (wrong !== undefined) return wrong;
  }
  return undefined;
};
