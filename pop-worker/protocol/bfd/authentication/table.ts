import type { Random } from '../../contract.ts';
import { BfdError, BfdErrorCode } from '../errors.ts';
import type { Authentication, Hash, Key } from './authentication.ts';
import { type HashType, KeyedHash } from './keyed-hash.ts';
import { KEYED_MD5 } from './keyed-md5.ts';
import { KEYED_SHA1 } from './keyed-sha1.ts';
import { METICULOUS_KEYED_MD5 } from './meticulous-keyed-md5.ts';
import { METICULOUS_KEYED_SHA1 } from './meticulous-keyed-sha1.ts';
import { MOST_PASSWORD_BYTES, SimplePassword } from './simple-password.ts';

const HASHED = {
  keyed_md5: KEYED_MD5,
  meticulous_keyed_md5: METICULOUS_KEYED_MD5,
  keyed_sha1: KEYED_SHA1,
  meticulous_keyed_sha1: METICULOUS_KEYED_SHA1,
} as const satisfies Readonly<Record<string, HashType>>;

export const AUTHENTICATION_TYPES = [
  'simple_password',
  'keyed_md5',
  'meticulous_keyed_md5',
  'keyed_sha1',
  'meticulous_keyed_sha1',
] as const satisfies readonly ('simple_password' | keyof typeof HASHED)[];
export type AuthenticationType = (typeof AUTHENTICATION_TYPES)[number];

export interface AuthenticationOptions {
  readonly type: AuthenticationType;
  /** The first one is used to send, all of them to receive: a new key is added everywhere before it becomes the first. */
  readonly keys: readonly Key[];
}

/** Keys of a session; more would only be a mistake. */
export const MOST_KEYS = 16;

const refuse = (message: string): never => {
  throw new BfdError(BfdErrorCode.invalid, message);
};

const checkKeys = (keys: readonly Key[], mostBytes: number): readonly [Key, ...Key[]] => {
  const [first, ...others] = keys;
  if (first === undefined || keys.length > MOST_KEYS) return refuse(`Authentication takes 1 to ${MOST_KEYS} keys.`);
  for (const { id, secret } of keys) {
    if (!Number.isInteger(id) || id < 0 || id > 255) refuse(`Key ID ${id} is not from 0 to 255.`);
    if (secret.length < 1 || secret.length > mostBytes) {
      refuse(`The secret of key ${id} has ${secret.length} bytes: 1 to ${mostBytes} are possible.`);
    }
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length) refuse('Two keys have the same ID.');
  return [first, ...others];
};

/** @throws BfdError when a key cannot be used with the type */
export const createAuthentication = (
  { type, keys }: AuthenticationOptions,
  hash: Hash,
  random: Random,
): Authentication => {
  if (type === 'simple_password') return new SimplePassword(checkKeys(keys, MOST_PASSWORD_BYTES));
  const hashed = HASHED[type];
  return new KeyedHash(hashed, checkKeys(keys, hashed.hashBytes), hash, random);
};
