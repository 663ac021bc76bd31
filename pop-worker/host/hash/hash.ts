import type { Hash } from '#protocol/bfd/authentication/authentication.ts';
import { native } from '../native.ts';
import { HashKind } from './native.ts';

/** MD5 and SHA1 of OpenSSL, without an object of JavaScript each. */
export const systemHash: Hash = {
  digest: (algorithm, bytes, at, length, into, intoAt) =>
    native.hashDigest(HashKind[algorithm], bytes, at, length, into, intoAt),
};
