import type { HashType } from './keyed-hash.ts';

/** Meticulous Keyed SHA1 (RFC 5880 §6.7.4). */
export const METICULOUS_KEYED_SHA1: HashType = { type: 5, algorithm: 'sha1', hashBytes: 20, meticulous: true };
