import { frameError } from '../errors.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Prefixes that a member tells of at most. */
export const MOST_PREFIXES = 256;
const PREFIX_BYTES = 18;

/** 4 or 16 bytes, of which no bit behind `length` is set. */
export interface AnnouncedPrefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/** The same for prefixes that are the same, and for no others. */
export const prefixKey = ({ address, length }: AnnouncedPrefix): string => `${length} ${address.join('.')}`;

/** What the sender announces where it announces. Of more than `MOST_PREFIXES` the first are told. */
export const writePrefixes = (prefixes: readonly AnnouncedPrefix[]): Uint8Array => {
  const out = new Writer(PREFIX_BYTES * MOST_PREFIXES);
  for (const { address, length } of prefixes.slice(0, MOST_PREFIXES)) {
    out.u8(address.length === 4 ? 4 : 6).u8(length);
    out.bytes(address.subarray(0, Math.ceil(length / 8)));
  }
  return out.finish();
};

const readOne = (reader: Reader): AnnouncedPrefix => {
  const version = reader.u8();
  if (version !== 4 && version !== 6) throw frameError(`a prefix of IP version ${version} came`);
  const address = new Uint8Array(version === 4 ? 4 : 16);
  const length = reader.u8();
  if (length > 8 * address.length) throw frameError(`an IPv${version} prefix of ${length} bits came`);
  const bytes = Math.ceil(length / 8);
  address.set(reader.bytes(bytes));
  const behind = 0xff >>> (length - 8 * (bytes - 1));
  if (length % 8 !== 0 && ((address[bytes - 1] as number) & behind) !== 0)
    throw frameError(`a prefix of ${length} bits came with more bits set`);
  return { address, length };
};

/** @returns as `prefixKey` has them @throws MeshError */
export const readPrefixes = (reader: Reader): ReadonlySet<string> => {
  const keys = new Set<string>();
  for (let count = 0; reader.left > 0; count++) {
    if (count === MOST_PREFIXES) throw frameError(`more than ${MOST_PREFIXES} prefixes came`);
    keys.add(prefixKey(readOne(reader)));
  }
  return keys;
};
