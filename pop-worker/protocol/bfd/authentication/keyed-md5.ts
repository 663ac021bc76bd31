import type { HashType } from './keyed-hash.ts';

/** Keyed MD5 (RFC 5880 §6.7.3). */
export const KEYED_MD5: HashType = { type: 2, algorithm: 'md5', hashBytes: 16, meticulous: false };
