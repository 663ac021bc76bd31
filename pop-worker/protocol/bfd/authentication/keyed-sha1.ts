import type { HashType } from './keyed-hash.ts';

/** Keyed SHA1 (RFC 5880 §6.7.4). */
export const KEYED_SHA1: HashType = { type: 4, algorithm: 'sha1', hashBytes: 20, meticulous: false };
