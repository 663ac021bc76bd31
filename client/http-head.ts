/** The head of an HTTP/1.1 request (RFC 9112 §3, §5). */
export interface HttpHead {
  readonly method: string;
  readonly target: string;
  /** 0 or 1 in HTTP/1.x. */
  readonly minorVersion: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly bytes: number;
}

/** Of request line and fields together. */
export const MAX_HEAD_BYTES = 32_768;
const MAX_FIELDS = 100;

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]{1,16384}) HTTP\/1\.([01])$/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/;
/** RFC 9110 §5.5: visible characters, blanks, and obs-text. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';

/** RFC 9112 §5.1: blanks around a value are no part of it. By hand: a pattern would try each of many blanks again and again. */
const withoutBlanks = (text: string): string => {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
};

/** Where the empty line ends, -1 while it has not come. */
const endOf = (buffer: Buffer): number => {
  const at = buffer.indexOf('\r\n\r\n');
  return at < 0 || at + 4 > MAX_HEAD_BYTES ? -1 : at + 4;
};

/**
 * Reads one request head, strictly: no bare line feeds, no folded lines (RFC 9112 §2.2, §5.2).
 *
 * @returns `more` while it is incomplete, a status code when it cannot become a right one
 */
export const parseHead = (buffer: Buffer): HttpHead | 'more' | 400 | 431 => {
  const bytes = endOf(buffer);
  if (bytes < 0) return buffer.length >= MAX_HEAD_BYTES ? 431 : 'more';
  const [first = '', ...lines] = buffer.toString('latin1', 0, bytes - 4).split('\r\n');
  const request = REQUEST_LINE.exec(first);
  if (request === null) return 400;
  if (lines.length > MAX_FIELDS) return 431;
  const fields: [string, string][] = [];
  for (const line of lines) {
    const field = FIELD.exec(line);
    const value = withoutBlanks(field?.[2] ?? '');
    if (field === null || !VALUE.test(value)) return 400;
    fields.push([field[1] as string, value]);
  }
  const [, method = '', target = '', minor] = request;
  return { method, target, minorVersion: Number(minor), fields, bytes };
};

export const fieldOf = (head: HttpHead, name: string): string | undefined =>
  head.fields.find(([field]) => field.toLowerCase() === name)?.[1];
