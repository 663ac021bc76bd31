import { CLIENT_SUBNET, ClientSubnet } from './client-subnet.ts';
import { COOKIE, isCookie } from './cookies.ts';
import { endOfName, skipName } from './name.ts';
import { HEADER_BYTES, HeaderFlag, PLAIN_UDP_BYTES, Rcode, RecordType } from './numbers.ts';

export const readU16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

/** Type, class, TTL and length of the data of a record (RFC 1035 §4.1.3). */
const RECORD_BYTES = 10;
const OPTION_BYTES = 4;
const QUESTION_BYTES = 4;

/** No answer at all: it is no query, or too short to tell whose. */
export const SILENCE = -1;

/** What a resolver asks, read in place. Reused for each query. */
export class Query {
  id = 0;
  flags = 0;
  /** Where the question's name lies and ends; both 0: there is no question that could be repeated. */
  nameAt = 0;
  nameEnd = 0;
  type = 0;
  class = 0;
  hasEdns = false;
  ednsVersion = 0;
  /** Of a response by UDP that the resolver can take, at least 512. */
  udpBytes = PLAIN_UDP_BYTES;
  readonly subnet = new ClientSubnet();
  /** Where a cookie lies, and how long it is; 0: there is none. */
  cookieAt = 0;
  cookieBytes = 0;

  /** @returns what is wrong with it (`Rcode`), `noError`, or `SILENCE` */
  read(bytes: Uint8Array, length: number): number {
    this.#forget();
    if (length < HEADER_BYTES) return SILENCE;
    this.id = readU16(bytes, 0);
    this.flags = readU16(bytes, 2);
    if ((this.flags & HeaderFlag.response) !== 0) return SILENCE;
    const isQuery = ((this.flags >>> 11) & 15) === 0;
    if (readU16(bytes, 4) !== 1) return isQuery ? Rcode.formErr : Rcode.notImp;
    const at = this.#readQuestion(bytes, length);
    if (at < 0) return Rcode.formErr;
    // Only of the opcode that we know is it known what follows.
    if (!isQuery) return Rcode.notImp;
    const before = readU16(bytes, 6) + readU16(bytes, 8);
    return this.#readRecords(bytes, at, length, before, before + readU16(bytes, 10));
  }

  #forget(): void {
    this.nameAt = 0;
    this.nameEnd = 0;
    this.hasEdns = false;
    this.ednsVersion = 0;
    this.udpBytes = PLAIN_UDP_BYTES;
    this.subnet.isPresent = false;
    this.cookieBytes = 0;
  }

  /** @returns where it ends; -1: it is malformed */
  #readQuestion(bytes: Uint8Array, length: number): number {
    const nameEnd = endOfName(bytes, HEADER_BYTES, length);
    if (nameEnd < 0 || nameEnd + QUESTION_BYTES > length) return -1;
    this.nameAt = HEADER_BYTES;
    this.nameEnd = nameEnd;
    this.type = readU16(bytes, nameEnd);
    this.class = readU16(bytes, nameEnd + 2);
    return nameEnd + QUESTION_BYTES;
  }

  /** @param before so many records, of `count`, are none of the additional section */
  #readRecords(bytes: Uint8Array, from: number, length: number, before: number, count: number): number {
    let next = from;
    let fault: number = Rcode.noError;
    for (let i = 0; i < count; i++) {
      const nameEnd = skipName(bytes, next, length);
      if (nameEnd < 0 || nameEnd + RECORD_BYTES > length) return Rcode.formErr;
      const end = nameEnd + RECORD_BYTES + readU16(bytes, nameEnd + 8);
      if (end > length) return Rcode.formErr;
      if (readU16(bytes, nameEnd) === RecordType.opt) {
        // RFC 6891 §6.1.1: at most one, of the root, among the additional records.
        if (i < before || this.hasEdns || nameEnd - next !== 1) return Rcode.formErr;
        fault = this.#readEdns(bytes, nameEnd, end);
      }
      next = end;
    }
    return fault;
  }

  /** RFC 6891 §6.1.2: the class has the size, the TTL the version. */
  #readEdns(bytes: Uint8Array, at: number, end: number): number {
    this.hasEdns = true;
    this.udpBytes = Math.max(readU16(bytes, at + 2), PLAIN_UDP_BYTES);
    this.ednsVersion = bytes[at + 5] as number;
    if (this.ednsVersion !== 0) return Rcode.badVers;
    for (let next = at + RECORD_BYTES; next < end; ) {
      if (next + OPTION_BYTES > end) return Rcode.formErr;
      const dataAt = next + OPTION_BYTES;
      const dataEnd = dataAt + readU16(bytes, next + 2);
      if (dataEnd > end) return Rcode.formErr;
      const code = readU16(bytes, next);
      if (code === CLIENT_SUBNET && !this.#readSubnet(bytes, dataAt, dataEnd)) return Rcode.formErr;
      if (code === COOKIE && !this.#readCookie(dataAt, dataEnd)) return Rcode.formErr;
      next = dataEnd;
    }
    return Rcode.noError;
  }

  /** Of several the first counts (RFC 7873). */
  #readCookie(at: number, end: number): boolean {
    if (this.cookieBytes > 0) return true;
    if (!isCookie(end - at)) return false;
    this.cookieAt = at;
    this.cookieBytes = end - at;
    return true;
  }

  #readSubnet(bytes: Uint8Array, at: number, end: number): boolean {
    return !this.subnet.isPresent && this.subnet.read(bytes, at, end);
  }
}
