import { stripVTControlCharacters } from 'node:util';

/** Columns of a table: what the heading says and which way the cells lean. */
export type Column = { readonly heading: string; readonly align?: 'left' | 'right' };

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
// East Asian Wide and Fullwidth blocks (UAX #11), and what is drawn as an emoji: two columns of a terminal each.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const INVISIBLE = /^[\p{M}\p{Cf}\p{Cc}]+$/u;

/** Columns that `text` takes up on a terminal. */
export const displayWidth = (text: string): number => {
  let width = 0;
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    if (WIDE.test(segment)) width += 2;
    else if (!INVISIBLE.test(segment)) width += 1;
  }
  return width;
};

const pad = (text: string, width: number, align: Column['align']): string => {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'right' ? space + text : text + space;
};

/** Lines of a table whose columns line up; no line ends in spaces. */
export const renderTable = (columns: readonly Column[], rows: readonly (readonly string[])[]): string[] => {
  const headings = columns.map(({ heading }) => heading.toUpperCase());
  const widths = columns.map((_, i) => Math.max(...[headings, ...rows].map((row) => displayWidth(row[i] ?? ''))));
  return [headings, ...rows].map((row) =>
    columns
      .map(({ align }, i) => pad(row[i] ?? '', widths[i]!, align))
      .join('  ')
      .trimEnd(),
  );
};
