import { HEADER_BYTES, Rcode } from '../numbers.ts';
import { readU16 } from '../query.ts';

export interface Seen {
  readonly id: number;
  readonly flags: number;
  readonly rcode: string;
  /** Type, TTL and data of each record by section. */
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly edns: string | undefined;
}

const nameAt = (bytes: Uint8Array, at: number): { readonly text: string; readonly end: number } => {
  const labels: string[] = [];
  for (let next = at; ; ) {
    const length = bytes[next] as number;
    if (length >= 0xc0) {
      const rest = nameAt(bytes, readU16(bytes, next) & 0x3fff).text;
      return { text: [...labels, rest].join('.'), end: next + 2 };
    }
    if (length === 0) return { text: `${labels.join('.')}`, end: next + 1 };
    labels.push(Buffer.from(bytes.subarray(next + 1, next + 1 + length)).toString('latin1'));
    next += 1 + length;
  }
};

const dataOf = (type: number, bytes: Uint8Array): string => {
  if (type === 1) return bytes.join('.');
  return Buffer.from(bytes).toString('hex');
};

/** Reads a response by itself, without what the core reads by. @throws Error when bytes are left over */
export const readResponse = (bytes: Uint8Array): Seen => {
  const flags = readU16(bytes, 2);
  let at = HEADER_BYTES;
  for (let i = readU16(bytes, 4); i > 0; i--) at = nameAt(bytes, at).end + 4;
  let extended = 0;
  let edns: string | undefined;
  const section = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const { text, end } = nameAt(bytes, at);
      const type = readU16(bytes, end);
      const length = readU16(bytes, end + 8);
      const data = bytes.subarray(end + 10, end + 10 + length);
      at = end + 10 + length;
      if (type === 41) {
        extended = bytes[end + 4] as number;
        edns = Buffer.from(data).toString('hex');
        return '';
      }
      const ttl = readU16(bytes, end + 4) * 65_536 + readU16(bytes, end + 6);
      return `${text} ${type} ${ttl} ${dataOf(type, data)}`;
    });
  const [answer = [], authority = []] = [6, 8, 10].map((place) => section(readU16(bytes, place)));
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes are left over`);
  const code = (extended << 4) | (flags & 15);
  const rcode = Object.entries(Rcode).find(([, value]) => value === code)?.[0] ?? String(code);
  return { id: readU16(bytes, 0), flags, rcode, answer, authority, edns };
};
