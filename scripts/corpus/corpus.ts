/**
 * Inputs that parsers are held against. A corpus is a committed JSON file, a list of cases: `name`, the input as `hex`
 * (blanks are for the eye) or `text`, `times` to repeat it, and in `expect` whatever the parser's test says of it. From
 * these cases others are made, the same ones each time, by changing bytes.
 */
import { readFileSync } from 'node:fs';

export interface Case<Expect = unknown> {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly expect: Expect;
}

interface Written {
  readonly name: string;
  readonly hex?: string;
  readonly text?: string;
  readonly times?: number;
  readonly expect?: unknown;
}

const bytesOf = ({ name, hex, text, times = 1 }: Written): Uint8Array => {
  if ((hex === undefined) === (text === undefined)) throw new Error(`${name}: one of hex and text`);
  const once = hex === undefined ? Buffer.from(text ?? '') : Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  if (hex !== undefined && once.length * 2 !== hex.replaceAll(/\s/g, '').length) throw new Error(`${name}: not hex`);
  return Uint8Array.from(Buffer.concat(Array.from({ length: times }, () => once)));
};

/** @param file URL of the JSON file @throws Error on a case that is no case, or a name that comes twice */
export const readCorpus = <Expect = unknown>(file: URL): Case<Expect>[] => {
  const written = JSON.parse(readFileSync(file, 'utf8')) as Written[];
  const names = new Set<string>();
  return written.map((each) => {
    if (names.has(each.name)) throw new Error(`${file}: twice ${each.name}`);
    names.add(each.name);
    return { name: each.name, bytes: bytesOf(each), expect: each.expect as Expect };
  });
};

/** Repeatable numbers (xorshift32), from 0 to less than what is given. */
export const numbers = (seed: number): ((below: number) => number) => {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

/** Bytes at which lengths, types and text break. */
const EDGES = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x2e, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];
const MOST_BYTES = 4096;

type Change = (bytes: number[], below: (n: number) => number, other: Uint8Array) => void;

const CHANGES: readonly Change[] = [
  (bytes, below) => {
    if (bytes.length > 0) bytes[below(bytes.length)]! ^= 1 << below(8);
  },
  (bytes, below) => {
    if (bytes.length > 0) bytes[below(bytes.length)] = EDGES[below(EDGES.length)]!;
  },
  (bytes, below) => bytes.splice(below(bytes.length + 1), 0, EDGES[below(EDGES.length)]!),
  (bytes, below) => bytes.splice(below(bytes.length + 1), 1 + below(4)),
  (bytes, below) => bytes.splice(below(bytes.length + 1)),
  // A piece twice.
  (bytes, below) => {
    const from = below(bytes.length + 1);
    bytes.splice(from, 0, ...bytes.slice(from, from + 1 + below(16)));
  },
  // The end of another case.
  (bytes, below, other) => {
    bytes.splice(below(bytes.length + 1));
    bytes.push(...other.subarray(below(other.length + 1)));
  },
  // A length of as many bytes as QUIC's integers have, or more.
  (bytes, below) => bytes.splice(below(bytes.length + 1), 1, ...new Array<number>(1 + below(9)).fill(0xff)),
];

/** One input made of others by one to four changes. @param pick gives one of those that there are */
export const mutant = (pick: () => Uint8Array, below: (n: number) => number): Uint8Array => {
  const some = (): Uint8Array => pick().subarray(0, MOST_BYTES);
  const bytes = [...some()];
  for (let changes = 1 + below(4); changes > 0; changes--) CHANGES[below(CHANGES.length)]!(bytes, below, some());
  return Uint8Array.from(bytes);
};

/** `count` inputs made of the cases; the same for the same seed. */
export function* mutants(cases: readonly Pick<Case, 'bytes'>[], seed: number, count: number): Generator<Uint8Array> {
  const below = numbers(seed);
  for (let i = 0; i < count; i++) yield mutant(() => cases[below(cases.length)]!.bytes, below);
}
