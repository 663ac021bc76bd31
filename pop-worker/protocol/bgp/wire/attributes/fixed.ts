import { UpdateSubcode } from '../../errors.ts';
import { u32At } from '../bytes.ts';
import { type AttributeRow, malformed, Outcome } from './definition.ts';

/** An attribute whose value is one number of four bytes; what is wrong with it makes a withdrawal of the routes. */
export const fourByteAttribute = (
  code: number,
  name: string,
  flags: number,
  text: (value: number) => string,
): AttributeRow => {
  const length = malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeLength, `${name} is not four bytes`);
  return {
    code,
    name,
    flags,
    wrongFlags: malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeFlags, `${name} has wrong flags`),
    check: (_buffer, start, end) => (end - start === 4 ? undefined : length),
    text: (buffer, start) => text(u32At(buffer, start)),
  };
};

/** An attribute that is a list of items of so many bytes, at least one; what is wrong makes a withdrawal of the routes. */
export const listAttribute = (
  code: number,
  name: string,
  flags: number,
  itemBytes: number,
  text: (buffer: Uint8Array, at: number) => string,
): AttributeRow => {
  const length = malformed(
    Outcome.treatAsWithdraw,
    UpdateSubcode.optionalAttribute,
    `length of ${name} is no multiple of ${itemBytes}, or 0`,
  );
  return {
    code,
    name,
    flags,
    wrongFlags: malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeFlags, `${name} has wrong flags`),
    check: (_buffer, start, end) => (end > start && (end - start) % itemBytes === 0 ? undefined : length),
    text: (buffer, start, end) => {
      const items: string[] = [];
      for (let at = start; at < end; at += itemBytes) items.push(text(buffer, at));
      return items.join(' ');
    },
  };
};

/** A BGP Identifier, as people write them. */
export const identifierText = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 0xff}.${(value >>> 8) & 0xff}.${value & 0xff}`;
