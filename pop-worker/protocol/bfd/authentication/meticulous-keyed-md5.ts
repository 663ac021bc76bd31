import type { HashType } from './keyed-hash.ts';

/** Meticulous Keyed MD5 (RFC 5880 §6.7.3). */
export const METICULOUS_KEYED_MD5: HashType = { type: 3, algorithm: 'md5', hashBytes: 16, meticulous: true };
