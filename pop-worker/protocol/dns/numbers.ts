/** RFC 1035 §3.2.2 and §3.2.3, RFC 3596 §2.1, RFC 6891 §6.1.1. */
export const RecordType = { a: 1, ns: 2, soa: 6, aaaa: 28, opt: 41, any: 255 } as const;

/** The Internet (RFC 1035 §3.2.4). */
export const CLASS_IN = 1;

/** RFC 1035 §4.1.1; from 16 on they need the upper bits that EDNS adds (RFC 6891 §9, RFC 7873). */
export const Rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  badVers: 16,
  badCookie: 23,
} as const;

/** Of the second 16 bits of a message (RFC 1035 §4.1.1). */
export const HeaderFlag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
} as const;

export const HEADER_BYTES = 12;

/** RFC 1035 §2.3.4. */
export const MOST_NAME_BYTES = 255;
export const MOST_LABEL_BYTES = 63;
export const PLAIN_UDP_BYTES = 512;

/** What goes through each network unfragmented: 1280 of IPv6 less its header and UDP's. */
export const MOST_UDP_BYTES = 1232;

/** RFC 2181 §8. */
export const MOST_TTL = 0x7fff_ffff;
