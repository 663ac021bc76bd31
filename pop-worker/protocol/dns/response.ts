import { CLIENT_SUBNET } from './client-subnet.ts';
import { COOKIE, COOKIE_BYTES, type Cookies } from './cookies.ts';
import { CLASS_IN, HEADER_BYTES, HeaderFlag, MOST_UDP_BYTES, RecordType } from './numbers.ts';
import type { Query } from './query.ts';
import type { RecordSet } from './zone.ts';

/** A pointer to the name of the question, which lies behind the header (RFC 1035 §4.1.4). */
const POINTER = 0xc000;
const POINTER_BYTES = 2;
const RECORD_BYTES = 10;
const OPTION_BYTES = 4;

/** Records of one section that have one owner and type. */
export interface Records {
  /** Where the owner's name lies in the response. */
  readonly ownerAt: number;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: RecordSet;
}

const NONE: RecordSet = [];
export const NO_RECORDS: Records = { ownerAt: HEADER_BYTES, type: 0, ttlSeconds: 0, data: NONE };

/** What a response says besides what the query said. */
export interface Reply {
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly answer: Records;
  readonly authority: Records;
  /** For how many bits of the client's address it holds. */
  readonly scopeLength: number;
}

const put16 = (out: Uint8Array, at: number, value: number): void => {
  out[at] = value >>> 8;
  out[at + 1] = value;
};

const put32 = (out: Uint8Array, at: number, value: number): void => {
  put16(out, at, value >>> 16);
  put16(out, at + 2, value & 0xffff);
};

const sizeOf = ({ data }: Records): number =>
  data.reduce((sum, { length }) => sum + POINTER_BYTES + RECORD_BYTES + length, 0);

/** @returns where they end */
const putRecords = (out: Uint8Array, from: number, { ownerAt, type, ttlSeconds, data }: Records): number => {
  let at = from;
  for (const bytes of data) {
    put16(out, at, POINTER | ownerAt);
    put16(out, at + 2, type);
    put16(out, at + 4, CLASS_IN);
    put32(out, at + 6, ttlSeconds);
    put16(out, at + 10, bytes.length);
    out.set(bytes, at + POINTER_BYTES + RECORD_BYTES);
    at += POINTER_BYTES + RECORD_BYTES + bytes.length;
  }
  return at;
};

/** Who makes cookies, for whom. */
export interface CookieJar {
  readonly cookies: Cookies;
  /** Address of the client. */
  readonly to: Uint8Array;
}

const hasCookie = ({ cookieBytes }: Query, jar: CookieJar | undefined): jar is CookieJar =>
  cookieBytes > 0 && jar !== undefined;

const optionBytesOf = (query: Query, jar: CookieJar | undefined): number =>
  (query.subnet.isPresent ? OPTION_BYTES + query.subnet.bytes : 0) +
  (hasCookie(query, jar) ? OPTION_BYTES + COOKIE_BYTES : 0);

const ednsBytes = (query: Query, jar: CookieJar | undefined): number =>
  query.hasEdns ? 1 + RECORD_BYTES + optionBytesOf(query, jar) : 0;

/** @returns where the option's data lies */
const putOption = (out: Uint8Array, at: number, code: number, length: number): number => {
  put16(out, at, code);
  put16(out, at + 2, length);
  return at + OPTION_BYTES;
};

/** RFC 6891 §6.1.2; our version is 0, whatever was asked for. @returns where it ends */
const putEdns = (
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  query: Query,
  { rcode, scopeLength }: Reply,
  jar: CookieJar | undefined,
): number => {
  const { subnet } = query;
  out[at] = 0;
  put16(out, at + 1, RecordType.opt);
  put16(out, at + 3, MOST_UDP_BYTES);
  put32(out, at + 5, (rcode >>> 4) << 24);
  put16(out, at + 9, optionBytesOf(query, jar));
  let next = at + 1 + RECORD_BYTES;
  if (subnet.isPresent) {
    subnet.write(out, putOption(out, next, CLIENT_SUBNET, subnet.bytes), scopeLength);
    next += OPTION_BYTES + subnet.bytes;
  }
  if (!hasCookie(query, jar)) return next;
  jar.cookies.write(out, putOption(out, next, COOKIE, COOKIE_BYTES), bytes, query.cookieAt, jar.to);
  return next + OPTION_BYTES + COOKIE_BYTES;
};

/**
 * Writes a response. When it does not fit, it has no records and says so (RFC 2181 §9), and the resolver asks by TCP.
 *
 * @param bytes the query, whose question is repeated letter by letter
 * @param most bytes of a response; the question and EDNS always fit 512
 * @param jar undefined: cookies are not answered
 * @returns how many bytes it has
 */
export const writeResponse = (
  bytes: Uint8Array,
  query: Query,
  reply: Reply,
  out: Uint8Array,
  most: number,
  jar?: CookieJar,
): number => {
  const questionBytes = query.nameEnd === 0 ? 0 : query.nameEnd + 4 - query.nameAt;
  const records = sizeOf(reply.answer) + sizeOf(reply.authority);
  const isTruncated = HEADER_BYTES + questionBytes + records + ednsBytes(query, jar) > most;
  // Opcode and whether recursion was desired come back.
  const flags =
    (query.flags & (0x7800 | HeaderFlag.recursionDesired)) |
    HeaderFlag.response |
    (reply.isAuthoritative ? HeaderFlag.authoritative : 0) |
    (isTruncated ? HeaderFlag.truncated : 0) |
    (reply.rcode & 15);
  const [answer, authority] = isTruncated ? [NO_RECORDS, NO_RECORDS] : [reply.answer, reply.authority];
  const counts = [questionBytes === 0 ? 0 : 1, answer.data.length, authority.data.length, query.hasEdns ? 1 : 0];
  put16(out, 0, query.id);
  put16(out, 2, flags);
  for (const [i, count] of counts.entries()) put16(out, 4 + i * 2, count);
  out.set(bytes.subarray(query.nameAt, query.nameAt + questionBytes), HEADER_BYTES);
  let at = HEADER_BYTES + questionBytes;
  at = putRecords(out, at, answer);
  at = putRecords(out, at, authority);
  return query.hasEdns ? putEdns(out, at, bytes, query, reply, jar) : at;
};
