import { formatPrefix, type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { frameError } from '../errors.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Prefixes that a member tells of at most. */
export const MOST_PREFIXES = 256;
const PREFIX_BYTES = 18;

/** What the sender announces where it announces; as `192.0.2.0/24`. Of more than `MOST_PREFIXES` the first are told. */
export const writePrefixes = (prefixes: readonly string[]): Uint8Array => {
  const out = new Writer(PREFIX_BYTES * MOST_PREFIXES);
  for (const { address, length } of prefixes.slice(0, MOST_PREFIXES).flatMap((text) => parsePrefix(text) ?? [])) {
    out.u8(address.length === 4 ? 4 : 6).u8(length);
    out.bytes(address.subarray(0, Math.ceil(length / 8)));
  }
  return out.finish();
};

const readOne = (reader: Reader): Prefix => {
  const version = reader.u8();
  if (version !== 4 && version !== 6) throw frameError(`a prefix of IP version ${version} came`);
  const address = new Uint8Array(version === 4 ? 4 : 16);
  const length = reader.u8();
  if (length > 8 * address.length) throw frameError(`an IPv${version} prefix of ${length} bits came`);
  address.set(reader.bytes(Math.ceil(length / 8)));
  return { address, length };
};

/** @returns canonical texts @throws MeshError */
export const readPrefixes = (reader: Reader): ReadonlySet<string> => {
  const prefixes = new Set<string>();
  for (let count = 0; reader.left > 0; count++) {
    if (count === MOST_PREFIXES) throw frameError(`more than ${MOST_PREFIXES} prefixes came`);
    const text = formatPrefix(readOne(reader));
    if (parsePrefix(text) === undefined) throw frameError(`bits behind the prefix ${text} are set`);
    prefixes.add(text);
  }
  return prefixes;
};
