import type { Fields } from '#protocol/qpack/field.ts';

/** RFC 9110 §5.6.2: tchar, but no uppercase (RFC 9114 §4.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** RFC 9110 §5.5: visible characters and obs-text, blanks only in between. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** RFC 9114 §4.2, RFC 9110 §7.6.1. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export type Section = 'request' | 'response' | 'trailers';

/** @returns what is wrong with a regular field line, undefined when nothing is */
export const checkField = (name: string, value: string, section: Section): string | undefined => {
  if (!NAME.test(name)) return 'invalid field name';
  if (!VALUE.test(value)) return `invalid value of ${name}`;
  if (CONNECTION_SPECIFIC.has(name)) return `connection-specific field ${name}`;
  // RFC 9114 §4.2: TE may only be in a request, and only say "trailers".
  if (name === 'te' && (section !== 'request' || value !== 'trailers')) return 'TE other than trailers';
  return undefined;
};

/** Fifteen digits are below 2^53. */
const LENGTH = /^[0-9]{1,15}$/;

/**
 * RFC 9110 §8.6: one Content-Length with one number.
 *
 * @returns -1 when there is none, a reason when it is invalid
 */
export const contentLength = (fields: Fields): number | string => {
  let length = -1;
  for (const { name, value } of fields) {
    if (name !== 'content-length') continue;
    if (length !== -1 || !LENGTH.test(value)) return 'invalid content-length';
    length = Number(value);
  }
  return length;
};
