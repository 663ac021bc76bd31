import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { parseHost } from './target.ts';

/** What a CONNECT-IP request is limited to (RFC 9484 §4.6). */
export interface IpScope {
  /** '*' for any host, a prefix, or a name that is to be resolved before the answer. */
  readonly target: '*' | Prefix | string;
  /** Internet Protocol Number; '*' for all. ICMP is always allowed. */
  readonly ipproto: '*' | number;
}

export const ANY_SCOPE: IpScope = { target: '*', ipproto: '*' };

const PROTOCOL = /^[0-9]{1,3}$/;

const parseTarget = (text: string): IpScope['target'] | undefined => {
  if (text === '*') return '*';
  // Bits behind the prefix length must be 0, which parsePrefix checks.
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  return parseHost(text) === 'name' ? text.toLowerCase() : undefined;
};

/**
 * Checks the decoded variables; one that the template does not have counts as '*'.
 *
 * @returns undefined when they break a rule of RFC 9484 §4.6: the request is malformed
 */
export const parseIpScope = (target = '*', ipproto = '*'): IpScope | undefined => {
  const parsed = parseTarget(target);
  if (parsed === undefined) return undefined;
  if (ipproto === '*') return { target: parsed, ipproto };
  const number = PROTOCOL.test(ipproto) ? Number(ipproto) : 256;
  return number <= 255 ? { target: parsed, ipproto: number } : undefined;
};
