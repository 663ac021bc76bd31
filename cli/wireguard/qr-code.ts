import { encodeQR } from 'qr';

/** Light modules around it, without which readers do not find it (ISO/IEC 18004 §6.3.8). */
const QUIET = 4;
/** Light on dark in colours that are named, whatever the terminal's own are. */
const [COLOURS, PLAIN] = ['\u001b[97;40m', '\u001b[0m'];

/** Draws a QR code for a terminal: two rows of modules a line. @throws Error when the text is too long for one */
export const drawQrCode = (text: string): string => {
  const dark = encodeQR(text, 'raw', { ecc: 'low', border: QUIET });
  const size = dark.length;
  const isLight = (row: number, column: number): boolean => row < size && dark[row]?.[column] === false;
  const line = (row: number): string =>
    Array.from({ length: size }, (_, column) => {
      const [upper, lower] = [isLight(row, column), isLight(row + 1, column)];
      return upper ? (lower ? '█' : '▀') : lower ? '▄' : ' ';
    }).join('');
  const rows = Array.from({ length: Math.ceil(size / 2) }, (_, i) => `${COLOURS}${line(2 * i)}${PLAIN}`);
  return rows.join('\n');
};
