import { AS_TRANS } from '../as-number.ts';
import { copyBytes, u16At, writeU16, writeU32 } from '../bytes.ts';
import type { UpdateReader } from '../update.ts';
import { AttributeCode } from './codes.ts';
import { AttributeFlag } from './definition.ts';
import { mergePaths } from './merge.ts';
import { attributeRow } from './table.ts';

/** The largest that it may become: all attributes of the largest message, and an AS_PATH that has grown to all of its length. */
export const MAX_CANONICAL_BYTES = 2 * 65_536;

/** What is not part of it: next hops and prefixes are kept by themselves, AS4_PATH and AS4_AGGREGATOR are merged. */
const LEFT_OUT = new Int32Array(8);
for (const code of [
  AttributeCode.nextHop,
  AttributeCode.mpReach,
  AttributeCode.mpUnreach,
  AttributeCode.as4Path,
  AttributeCode.as4Aggregator,
]) {
  LEFT_OUT[code >>> 5] = (LEFT_OUT[code >>> 5] as number) | (1 << (code & 31));
}

/**
 * Writes the attributes of an UPDATE that was read, as they are kept: in the order of their codes, each once, AS numbers of
 * four bytes, lengths of two bytes only above 255, the Partial bit of those that we do not know set (RFC 4271 §5) and
 * unused bits clear. Equal routes have equal bytes, and other neighbours can be sent them as they are.
 *
 * @param asBytes of the session: 2 or 4
 * @param out has room for `MAX_CANONICAL_BYTES`
 * @returns the offset behind them
 */
export const writeCanonical = (update: UpdateReader, asBytes: 2 | 4, out: Uint8Array, at: number): number => {
  const { kept } = update;
  let next = at;
  for (let word = 0; word < 8; word++) {
    let bits = (kept[word] as number) & ~(LEFT_OUT[word] as number);
    while (bits !== 0) {
      const lowest = bits & -bits;
      bits ^= lowest;
      next = writeOne(update, word * 32 + 31 - Math.clz32(lowest), asBytes, out, next);
    }
  }
  return next;
};

const writeOne = (update: UpdateReader, code: number, asBytes: 2 | 4, out: Uint8Array, at: number): number => {
  const buffer = update.fields.buffer;
  const start = update.valueAt[code] as number;
  const end = update.valueEnd[code] as number;
  if (asBytes === 2 && code === AttributeCode.asPath) return writeMergedPath(update, out, at);
  if (asBytes === 2 && code === AttributeCode.aggregator) return writeMergedAggregator(update, out, at);
  if (code === AttributeCode.largeCommunities)
    return writeLargeCommunities(buffer, start, end, flagsOf(update, code), out, at);
  const value = writeHead(out, at, flagsOf(update, code), code, end - start);
  return copyBytes(buffer, start, end, out, value);
};

const flagsOf = (update: UpdateReader, code: number): number => {
  const row = attributeRow(code);
  if (row === undefined) return AttributeFlag.optional | AttributeFlag.transitive | AttributeFlag.partial;
  const isOptionalTransitive =
    (row.flags & AttributeFlag.optional) !== 0 && (row.flags & AttributeFlag.transitive) !== 0;
  return row.flags | (isOptionalTransitive ? (update.flags[code] as number) & AttributeFlag.partial : 0);
};

/** @returns where the value goes */
export const writeHead = (out: Uint8Array, at: number, flags: number, code: number, length: number): number => {
  out[at + 1] = code;
  if (length > 0xff) {
    out[at] = flags | AttributeFlag.extendedLength;
    return writeU16(out, at + 2, length);
  }
  out[at] = flags;
  out[at + 2] = length;
  return at + 3;
};

/** Whether AS4_PATH and AS4_AGGREGATOR mean anything (RFC 6793 §4.2.3). */
const heedsAs4 = (update: UpdateReader): boolean =>
  !update.has(AttributeCode.aggregator) ||
  !update.has(AttributeCode.as4Aggregator) ||
  u16At(update.fields.buffer, update.valueAt[AttributeCode.aggregator] as number) === AS_TRANS;

/** Its length is known afterwards: it is written behind a head of four bytes, and moved if that of three will do. */
const writeMergedPath = (update: UpdateReader, out: Uint8Array, at: number): number => {
  const code = AttributeCode.asPath;
  const has4 = update.has(AttributeCode.as4Path) && heedsAs4(update);
  const as4At = has4 ? (update.valueAt[AttributeCode.as4Path] as number) : 0;
  const as4End = has4 ? (update.valueEnd[AttributeCode.as4Path] as number) : 0;
  const value = at + 4;
  const start = update.valueAt[code] as number;
  const end = mergePaths(update.fields.buffer, start, update.valueEnd[code] as number, as4At, as4End, out, value);
  const head = writeHead(out, at, AttributeFlag.transitive, code, end - value);
  if (head < value) out.copyWithin(head, value, end);
  return head + end - value;
};

const writeMergedAggregator = (update: UpdateReader, out: Uint8Array, at: number): number => {
  const buffer = update.fields.buffer;
  const start = update.valueAt[AttributeCode.aggregator] as number;
  const value = writeHead(out, at, flagsOf(update, AttributeCode.aggregator), AttributeCode.aggregator, 8);
  if (update.has(AttributeCode.as4Aggregator) && heedsAs4(update)) {
    const from = update.valueAt[AttributeCode.as4Aggregator] as number;
    return copyBytes(buffer, from, from + 8, out, value);
  }
  return copyBytes(buffer, start + 2, start + 6, out, writeU32(out, value, u16At(buffer, start)));
};

const LARGE_BYTES = 12;
/** Above, which only a message of more than 4,096 bytes has, comparing each with each would take long. */
const FEW = 340;

/** RFC 8092 §3: values that come twice are silently removed. */
const writeLargeCommunities = (
  buffer: Uint8Array,
  start: number,
  end: number,
  flags: number,
  out: Uint8Array,
  at: number,
): number => {
  const head = writeHead(out, at, flags, AttributeCode.largeCommunities, end - start);
  const known = end - start > FEW * LARGE_BYTES ? new Set<string>() : undefined;
  let next = head;
  for (let from = start; from < end; from += LARGE_BYTES) {
    const isKnown = known === undefined ? isAmong(out, head, next, buffer, from) : knows(known, buffer, from);
    if (!isKnown) next = copyBytes(buffer, from, from + LARGE_BYTES, out, next);
  }
  if (next - head === end - start) return next;
  const moved = writeHead(out, at, flags, AttributeCode.largeCommunities, next - head);
  out.copyWithin(moved, head, next);
  return moved + next - head;
};

const isAmong = (out: Uint8Array, start: number, end: number, buffer: Uint8Array, from: number): boolean => {
  for (let at = start; at < end; at += LARGE_BYTES) {
    let i = 0;
    while (i < LARGE_BYTES && out[at + i] === buffer[from + i]) i++;
    if (i === LARGE_BYTES) return true;
  }
  return false;
};

const knows = (known: Set<string>, buffer: Uint8Array, from: number): boolean => {
  const key = buffer.subarray(from, from + LARGE_BYTES).join();
  if (known.has(key)) return true;
  known.add(key);
  return false;
};
