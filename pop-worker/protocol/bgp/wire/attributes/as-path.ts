import { UpdateSubcode } from '../../errors.ts';
import { shortAs } from '../as-number.ts';
import { u16At, u32At } from '../bytes.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, malformed, OPTIONAL_TRANSITIVE, Outcome, WELL_KNOWN } from './definition.ts';

/** Types of path segments (RFC 4271 §4.3 b, RFC 5065 §3). */
export const Segment = { set: 1, sequence: 2, confederationSequence: 3, confederationSet: 4 } as const;

const withdraw = (reason: string) => malformed(Outcome.treatAsWithdraw, UpdateSubcode.malformedAsPath, reason);
const discard = (reason: string) => malformed(Outcome.discardAttribute, UpdateSubcode.optionalAttribute, reason);

const SEGMENT = withdraw('AS_PATH has a segment that is empty, cut or of an unknown type');
// RFC 5065 §5: we are in no confederation.
const CONFEDERATION = withdraw('AS_PATH has a segment of a confederation');
const SET = withdraw('AS_PATH has an AS_SET (RFC 9774)');
const ZERO = withdraw('AS_PATH has AS 0');
const FIRST = withdraw("AS_PATH does not begin with the neighbour's AS");
const SEGMENT4 = discard('AS4_PATH has a segment that is empty, cut or of an unknown type');
const ZERO4 = discard('AS4_PATH has AS 0');
const SET4 = withdraw('AS4_PATH has an AS_SET or AS_CONFED_SET (RFC 9774)');

/** @returns the end of the segment at `at`, whose head and numbers are all there; 0 when they are not, or there is none */
const segmentEnd = (buffer: Uint8Array, at: number, end: number, asBytes: number): number => {
  if (end - at < 2 + asBytes) return 0;
  const count = buffer[at + 1] as number;
  const next = at + 2 + count * asBytes;
  return count === 0 || next > end ? 0 : next;
};

const hasZero = (buffer: Uint8Array, start: number, end: number, asBytes: number): boolean => {
  for (let at = start; at < end; at += asBytes) {
    if ((asBytes === 4 ? u32At(buffer, at) : u16At(buffer, at)) === 0) return true;
  }
  return false;
};

/** RFC 4271 §5.1.2, RFC 7606 §7.2, RFC 7607 §2, RFC 9774 §3. In the canonical form its numbers have four bytes. */
export const asPath: AttributeRow = {
  code: AttributeCode.asPath,
  name: 'AS_PATH',
  flags: WELL_KNOWN,
  wrongFlags: malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeFlags, 'AS_PATH has wrong flags'),
  check: (buffer, start, end, { asBytes, takesAsSets, firstAs }) => {
    let at = start;
    while (at < end) {
      const next = segmentEnd(buffer, at, end, asBytes);
      const type = buffer[at] as number;
      if (next === 0 || type === 0 || type > Segment.confederationSet) return SEGMENT;
      if (type > Segment.sequence) return CONFEDERATION;
      if (type === Segment.set && !takesAsSets) return SET;
      if (hasZero(buffer, at + 2, next, asBytes)) return ZERO;
      at = next;
    }
    return firstAs === 0 || beginsWith(buffer, start, end, asBytes, firstAs) ? undefined : FIRST;
  },
  text: (buffer, start, end) => asPathText(buffer, start, end),
};

/** Of a well-formed path. A number that does not fit two bytes was AS_TRANS on its way (RFC 6793 §4.2.2). */
const beginsWith = (buffer: Uint8Array, start: number, end: number, asBytes: number, as: number): boolean => {
  if (start === end || buffer[start] !== Segment.sequence) return false;
  return asBytes === 4 ? u32At(buffer, start + 2) === as : u16At(buffer, start + 2) === shortAs(as);
};

const isAnySet = (type: number): boolean => type === Segment.set || type === Segment.confederationSet;

/** RFC 6793 §6, RFC 9774 §3: sequences of confederations are no error here, but are left out; sets are where they are allowed. */
export const as4Path: AttributeRow = {
  code: AttributeCode.as4Path,
  name: 'AS4_PATH',
  flags: OPTIONAL_TRANSITIVE,
  wrongFlags: malformed(Outcome.discardAttribute, UpdateSubcode.attributeFlags, 'AS4_PATH has wrong flags'),
  check: (buffer, start, end, { takesAsSets }) => {
    let at = start;
    if (start === end) return SEGMENT4;
    while (at < end) {
      const next = segmentEnd(buffer, at, end, 4);
      const type = buffer[at] as number;
      if (next === 0 || type === 0 || type > Segment.confederationSet) return SEGMENT4;
      if (isAnySet(type) && !takesAsSets) return SET4;
      if (hasZero(buffer, at + 2, next, 4)) return ZERO4;
      at = next;
    }
    return undefined;
  },
  text: (buffer, start, end) => asPathText(buffer, start, end),
};

/** `64500 4200000001 {64501 64502}`, of a path of four-byte numbers. */
const asPathText = (buffer: Uint8Array, start: number, end: number): string => {
  const parts: string[] = [];
  let at = start;
  while (at < end) {
    const next = at + 2 + 4 * (buffer[at + 1] as number);
    const numbers: number[] = [];
    for (let i = at + 2; i < next; i += 4) numbers.push(u32At(buffer, i));
    parts.push(buffer[at] === Segment.set ? `{${numbers.join(' ')}}` : numbers.join(' '));
    at = next;
  }
  return parts.join(' ');
};
