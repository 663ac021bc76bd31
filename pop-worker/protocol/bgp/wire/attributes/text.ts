import { u16At } from '../bytes.ts';
import { hexText } from '../communities.ts';
import { AttributeFlag } from './definition.ts';
import { attributeRow } from './table.ts';

/** @returns name and value of each attribute of a canonical set, as people read them; hexadecimal for unknown ones */
export const attributesText = (buffer: Uint8Array, start: number, end: number): (readonly [string, string])[] => {
  const texts: (readonly [string, string])[] = [];
  for (let at = start; at < end; ) {
    const isExtended = ((buffer[at] as number) & AttributeFlag.extendedLength) !== 0;
    const value = at + (isExtended ? 4 : 3);
    const next = value + (isExtended ? u16At(buffer, at + 2) : (buffer[at + 2] as number));
    const code = buffer[at + 1] as number;
    const row = attributeRow(code);
    texts.push(
      row === undefined
        ? [`attribute ${code}`, `0x${hexText(buffer, value, next)}`]
        : [row.name, row.text(buffer, value, next)],
    );
    at = next;
  }
  return texts;
};
