import { shortAs } from '../as-number.ts';
import { copyBytes, u16At, u32At, writeU16 } from '../bytes.ts';
import { writeHead } from './canonical.ts';
import { AttributeCode } from './codes.ts';
import { AttributeFlag, OPTIONAL_TRANSITIVE } from './definition.ts';
import { narrowPath } from './merge.ts';

/** How much longer attributes may become by `narrowAttributes`: AS4_PATH, AS4_AGGREGATOR and their heads. */
export const MAX_NARROWED_GROWTH = 65_536;

/**
 * Writes canonical attributes for a neighbour that knows two-octet AS numbers only: AS_TRANS for those that do not fit, and
 * AS4_PATH and AS4_AGGREGATOR with what they are, only then (RFC 6793 §4.2.2).
 *
 * @param out has `MAX_NARROWED_GROWTH` more room than there are bytes in [start, end)
 * @returns the offset behind them
 */
export const narrowAttributes = (
  buffer: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number => {
  let next = at;
  let pathAt = 0;
  let pathEnd = 0;
  let aggregatorAt = 0;
  for (let from = start; from < end; ) {
    const isExtended = ((buffer[from] as number) & AttributeFlag.extendedLength) !== 0;
    const value = from + (isExtended ? 4 : 3);
    const stop = value + (isExtended ? u16At(buffer, from + 2) : (buffer[from + 2] as number));
    const code = buffer[from + 1] as number;
    if (code > AttributeCode.as4Aggregator) {
      next = writeAs4(buffer, pathAt, pathEnd, aggregatorAt, out, next);
      pathAt = 0;
      aggregatorAt = 0;
    }
    if (code === AttributeCode.asPath) {
      const written = writePath(buffer, value, stop, out, next);
      if (written < 0) {
        pathAt = value;
        pathEnd = stop;
      }
      next = written < 0 ? ~written : written;
    } else if (code === AttributeCode.aggregator) {
      if (u32At(buffer, value) > 0xffff) aggregatorAt = value;
      next = writeAggregator(buffer, from, value, out, next);
    } else next = copyBytes(buffer, from, stop, out, next);
    from = stop;
  }
  return writeAs4(buffer, pathAt, pathEnd, aggregatorAt, out, next);
};

/** @returns the offset behind it, or its complement when AS4_PATH has to go with it */
const writePath = (buffer: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number => {
  const value = at + 4;
  const narrowed = narrowPath(buffer, start, end, out, value);
  const last = narrowed < 0 ? ~narrowed : narrowed;
  const head = writeHead(out, at, AttributeFlag.transitive, AttributeCode.asPath, last - value);
  if (head < value) out.copyWithin(head, value, last);
  const next = head + last - value;
  return narrowed < 0 ? ~next : next;
};

const writeAggregator = (buffer: Uint8Array, from: number, value: number, out: Uint8Array, at: number): number => {
  const as = u32At(buffer, value);
  const next = writeHead(out, at, buffer[from] as number, AttributeCode.aggregator, 6);
  return copyBytes(buffer, value + 4, value + 8, out, writeU16(out, next, shortAs(as)));
};

/** What did not fit; 0 for what did. */
const writeAs4 = (
  buffer: Uint8Array,
  pathAt: number,
  pathEnd: number,
  aggregatorAt: number,
  out: Uint8Array,
  at: number,
): number => {
  let next = at;
  if (pathAt > 0) {
    next = writeHead(out, next, OPTIONAL_TRANSITIVE, AttributeCode.as4Path, pathEnd - pathAt);
    next = copyBytes(buffer, pathAt, pathEnd, out, next);
  }
  if (aggregatorAt > 0) {
    next = writeHead(out, next, OPTIONAL_TRANSITIVE, AttributeCode.as4Aggregator, 8);
    next = copyBytes(buffer, aggregatorAt, aggregatorAt + 8, out, next);
  }
  return next;
};
