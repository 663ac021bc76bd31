import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { MasqueError } from './errors.ts';

/** RFC 6570 as far as RFC 9298 §2 and RFC 9484 §3 allow: `{x}`, `{x,y}`, `{?x,y}`, `{&x,y}`. */
type Operator = '' | '?' | '&';
type Part = { readonly literal: string } | { readonly operator: Operator; readonly names: readonly string[] };

export type Variables = Readonly<Record<string, string>>;

/** What stands for the empty expansion in a scheme, authority or path that must be there. */
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+\-.]*):\/\/([^/?#{}]+)(\/[^#]*)$/;
const PRINTABLE = /^[\x21-\x7e]+$/;
const EXPRESSION = /\{([^{}]*)\}/g;
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.]|%[0-9A-Fa-f]{2})*$/;
/** What a variable's expansion may look like: unreserved and percent-encoded. Clients do send `*` as it is. */
const VALUE = '((?:[A-Za-z0-9\\-._~*]|%[0-9A-Fa-f]{2})*)';

const invalid = (message: string) => new MasqueError(Http3ErrorCode.internalError, 'local', `URI template: ${message}`);

/** Bytes that need no percent-encoding (RFC 3986 §2.3). */
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** @param text units 0 to 127; hosts and numbers are nothing else */
export const percentEncode = (text: string): string => {
  let out = '';
  for (const unit of text) {
    const code = unit.charCodeAt(0);
    if (code > 127) throw invalid('a value is not ASCII');
    out += UNRESERVED.test(unit) ? unit : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
};

/** @returns undefined when a byte is not printable ASCII */
export const percentDecode = (text: string): string | undefined => {
  const out = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return /^[\x21-\x7e]*$/.test(out) ? out : undefined;
};

const parseExpression = (text: string): Part => {
  const operator = text[0] === '?' || text[0] === '&' ? text[0] : '';
  const names = text.slice(operator.length).split(',');
  // That also refuses the operators + # . / ; and the modifiers of level 4.
  if (!names.every((name) => NAME.test(name))) throw invalid(`expression {${text}} is not allowed`);
  return { operator, names };
};

const parseParts = (text: string): readonly Part[] => {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(EXPRESSION)) {
    if (match.index > at) parts.push({ literal: text.slice(at, match.index) });
    parts.push(parseExpression(match[1] as string));
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ literal: text.slice(at) });
  if (parts.some((part) => 'literal' in part && /[{}]/.test(part.literal))) throw invalid('unbalanced braces');
  return parts;
};

const quote = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** A URI template for a proxy, in absolute form. Clients expand it, servers match request paths against it. */
export class UriTemplate {
  readonly scheme: string;
  readonly authority: string;
  readonly variables: readonly string[];
  readonly #parts: readonly Part[];
  readonly #pattern: RegExp;

  /** @throws MasqueError local when a requirement of RFC 9298 §2 or RFC 9484 §3 is not met */
  constructor(text: string) {
    if (!PRINTABLE.test(text)) throw invalid('not printable ASCII');
    const absolute = ABSOLUTE.exec(text);
    if (absolute === null) throw invalid('not an absolute URI with scheme, authority and path');
    this.scheme = absolute[1] as string;
    this.authority = absolute[2] as string;
    this.#parts = parseParts(absolute[3] as string);
    this.variables = this.#parts.flatMap((part) => ('names' in part ? part.names : []));
    if (new Set(this.variables).size !== this.variables.length) throw invalid('a variable appears twice');
    this.#pattern = new RegExp(`^${this.#parts.map(pattern).join('')}$`);
  }

  /** The path and query for these values; a variable without a value is left out (RFC 6570 §3.2.1). */
  expand(values: Variables): string {
    return this.#parts.map((part) => ('literal' in part ? part.literal : expandPart(part, values))).join('');
  }

  /**
   * The values in a path and query, still percent-encoded. Queries must have the template's order.
   *
   * @returns undefined when it is another resource
   */
  match(path: string): Variables | undefined {
    const match = this.#pattern.exec(path);
    if (match === null) return undefined;
    return Object.fromEntries(this.variables.map((name, index) => [name, match[index + 1] ?? '']));
  }
}

const expandPart = (part: { operator: Operator; names: readonly string[] }, values: Variables): string => {
  const set = part.names.filter((name) => values[name] !== undefined);
  if (set.length === 0) return '';
  if (part.operator === '') return set.map((name) => percentEncode(values[name] as string)).join(',');
  // RFC 6570 §3.2.8, §3.2.9
  return part.operator + set.map((name) => `${name}=${percentEncode(values[name] as string)}`).join('&');
};

const pattern = (part: Part): string => {
  if ('literal' in part) return quote(part.literal);
  if (part.operator === '') return part.names.map(() => VALUE).join(',');
  return quote(part.operator) + part.names.map((name) => `${quote(name)}=${VALUE}`).join('&');
};

/** RFC 9298 §2. @param authority host and optional port of the proxy */
export const defaultUdpTemplate = (authority: string): UriTemplate =>
  new UriTemplate(`https://${authority}/.well-known/masque/udp/{target_host}/{target_port}/`);

/** RFC 9484 §3. */
export const defaultIpTemplate = (authority: string): UriTemplate =>
  new UriTemplate(`https://${authority}/.well-known/masque/ip/{target}/{ipproto}/`);
