import type { FieldComponent, Term } from './component.ts';
import type { ComponentType } from './types.ts';

const LAST = 0x80;
const AND = 0x40;
/** Of the operator, what compares: numeric operators use three bits, bitmask operators two. */
const NUMERIC = 0x07;
const BITMASK = 0x03;

const widthOf = (operator: number): number => (operator >>> 4) & 3;

/**
 * Components of operators and values (RFC 8955 §4.2.1).
 *
 * @param at of the type
 * @returns the end of the component; 0 when it is malformed
 */
export const fieldEnd = (buffer: Uint8Array, at: number, end: number, { widths }: ComponentType): number => {
  let next = at + 1;
  while (next < end) {
    const operator = buffer[next] as number;
    const width = widthOf(operator);
    if ((widths & (1 << width)) === 0) return 0;
    next += 1 + (1 << width);
    if ((operator & LAST) !== 0) return next <= end ? next : 0;
  }
  return 0;
};

/** Of one that `fieldEnd` has passed. */
export const readField = (buffer: Uint8Array, at: number, { type, kind }: ComponentType): FieldComponent => {
  const terms: Term[] = [];
  let next = at + 1;
  for (;;) {
    const operator = buffer[next] as number;
    const bytes = 1 << widthOf(operator);
    terms.push({
      // RFC 8955 §4.2.1.1: of the first it is always taken as unset.
      isAnd: terms.length > 0 && (operator & AND) !== 0,
      operator: operator & (kind === 'numeric' ? NUMERIC : BITMASK),
      value: readValue(buffer, next + 1, bytes),
    });
    next += 1 + bytes;
    if ((operator & LAST) !== 0) return { kind: 'field', type, terms };
  }
};

const readValue = (buffer: Uint8Array, at: number, bytes: number): number => {
  let value = 0;
  for (let i = at; i < at + bytes; i++) value = value * 256 + (buffer[i] as number);
  return value;
};

/**
 * Writes values as short as they may be.
 *
 * @throws RangeError when one does not fit a length that its component may have
 */
export const fieldComponentBytes = (
  { type, terms }: FieldComponent,
  { name, widths, least }: ComponentType,
): number[] => {
  const bytes = [type];
  for (const [i, { isAnd, operator, value }] of terms.entries()) {
    let width = least;
    while (width < 3 && value >= 2 ** (8 << width)) width++;
    if ((widths & (1 << width)) === 0 || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`${value} does not fit ${name}`);
    }
    bytes.push((i === terms.length - 1 ? LAST : 0) | (isAnd && i > 0 ? AND : 0) | (width << 4) | operator);
    for (let shift = (1 << width) - 1; shift >= 0; shift--) bytes.push(Math.floor(value / 256 ** shift) % 256);
  }
  return bytes;
};
