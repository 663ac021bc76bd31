import { MAX_CANONICAL_BYTES, writeHead } from '../wire/attributes/canonical.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import {
  AttributeFlag,
  OPTIONAL_NON_TRANSITIVE,
  OPTIONAL_TRANSITIVE,
  WELL_KNOWN,
} from '../wire/attributes/definition.ts';
import { copyBytes, u16At, writeU32 } from '../wire/bytes.ts';
import { Community } from '../wire/communities.ts';
import type { AttributeStore } from './attribute-store.ts';

/** The longest value that is put into a set here, and its head. */
const MAX_VALUE_BYTES = 65_535;
const work = new Uint8Array(MAX_CANONICAL_BYTES + 4 + MAX_VALUE_BYTES);
const word = new Uint8Array(4);

/**
 * A set with one attribute in place of what it had of that code.
 *
 * @param value undefined: without one
 * @returns its id, with a reference that is the caller's
 * @throws RangeError when the set would be longer than `MAX_CANONICAL_BYTES`
 */
export const withAttribute = (
  store: AttributeStore,
  id: number,
  flags: number,
  code: number,
  value: Uint8Array | undefined,
): number => {
  const buffer = store.bytesOf(id);
  const start = store.startOf(id);
  const end = start + store.lengthOf(id);
  let isMissing = value !== undefined;
  let next = 0;
  for (let at = start; at < end; ) {
    const stop = attributeEnd(buffer, at);
    const other = buffer[at + 1] as number;
    if (isMissing && other >= code) {
      next = writeAttribute(work, next, flags, code, value as Uint8Array);
      isMissing = false;
    }
    if (other !== code) next = copyBytes(buffer, at, stop, work, next);
    at = stop;
  }
  if (isMissing) next = writeAttribute(work, next, flags, code, value as Uint8Array);
  if (next > MAX_CANONICAL_BYTES) throw new RangeError(`a set of attributes of ${next} bytes`);
  return store.internBytes(work.subarray(0, next), nextHopOf(store, id));
};

/** Where in `bytesOf` of a set the value of an attribute is: its length, and where it begins; -1 when it is not there. */
export const findAttribute = (store: AttributeStore, id: number, code: number): number => {
  const buffer = store.bytesOf(id);
  const start = store.startOf(id);
  const end = start + store.lengthOf(id);
  for (let at = start; at < end; at = attributeEnd(buffer, at)) {
    if (buffer[at + 1] === code) return at;
    if ((buffer[at + 1] as number) > code) return -1;
  }
  return -1;
};

/** @param at where an attribute begins @returns where its value does */
export const valueStart = (buffer: Uint8Array, at: number): number =>
  at + (((buffer[at] as number) & AttributeFlag.extendedLength) !== 0 ? 4 : 3);

/** @returns the offset behind the attribute that begins at `at` */
export const attributeEnd = (buffer: Uint8Array, at: number): number => {
  const isExtended = ((buffer[at] as number) & AttributeFlag.extendedLength) !== 0;
  return isExtended ? at + 4 + u16At(buffer, at + 2) : at + 3 + (buffer[at + 2] as number);
};

/** A copy, of 0, 4, 16 or 32 bytes. */
export const nextHopOf = ({ columns, nextHops }: AttributeStore, id: number): Uint8Array => {
  const hop = columns.nextHop[id] as number;
  const start = nextHops.startOf(hop);
  return nextHops.bytesOf(hop).slice(start, start + nextHops.lengthOf(hop));
};

const writeAttribute = (out: Uint8Array, at: number, flags: number, code: number, value: Uint8Array): number =>
  copyBytes(value, 0, value.length, out, writeHead(out, at, flags, code, value.length));

const wordOf = (value: number): Uint8Array => {
  writeU32(word, 0, value);
  return word;
};

/** The following return what `withAttribute` does. */

export const withLocalPref = (store: AttributeStore, id: number, value: number): number =>
  withAttribute(store, id, WELL_KNOWN, AttributeCode.localPref, wordOf(value));

export const withoutMed = (store: AttributeStore, id: number): number =>
  withAttribute(store, id, OPTIONAL_NON_TRANSITIVE, AttributeCode.multiExitDisc, undefined);

/** RFC 4456 §8. */
export const withOriginator = (store: AttributeStore, id: number, identifier: number): number =>
  withAttribute(store, id, OPTIONAL_NON_TRANSITIVE, AttributeCode.originatorId, wordOf(identifier));

/** RFC 9234 §5. */
export const withOtc = (store: AttributeStore, id: number, as: number): number =>
  withAttribute(store, id, OPTIONAL_TRANSITIVE, AttributeCode.onlyToCustomer, wordOf(as));

/** RFC 9494 §4.3: LLGR_STALE behind the communities that it has. */
export const withLlgrStale = (store: AttributeStore, id: number): number => {
  const at = findAttribute(store, id, AttributeCode.communities);
  const buffer = store.bytesOf(id);
  const known = at < 0 ? [] : buffer.subarray(valueStart(buffer, at), attributeEnd(buffer, at));
  const value = Uint8Array.of(...known, ...wordOf(Community.llgrStale));
  const flags = at < 0 ? OPTIONAL_TRANSITIVE : (buffer[at] as number) & ~AttributeFlag.extendedLength;
  return withAttribute(store, id, flags, AttributeCode.communities, value);
};
