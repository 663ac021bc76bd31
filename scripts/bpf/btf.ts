import { textAt } from './elf.ts';

/** Types of C as the compiler describes them (kernel documentation: BPF Type Format). */
export type BtfType =
  | { readonly kind: 'int'; readonly name: string; readonly bytes: number; readonly isSigned: boolean }
  | { readonly kind: 'pointer'; readonly to: number }
  | { readonly kind: 'array'; readonly of: number; readonly count: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly bytes: number;
      readonly members: readonly BtfMember[];
    }
  | { readonly kind: 'enum'; readonly name: string; readonly bytes: number; readonly values: readonly BtfValue[] }
  /** `typedef`, `const`, `volatile`, `restrict`: another name for, or a manner of, another type. */
  | { readonly kind: 'alias'; readonly name: string; readonly of: number }
  | { readonly kind: 'variable'; readonly name: string; readonly of: number }
  | { readonly kind: 'section'; readonly name: string; readonly members: readonly BtfMember[] }
  | { readonly kind: 'other'; readonly name: string };

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** In bytes. */
  readonly offset: number;
}

export interface BtfValue {
  readonly name: string;
  readonly value: number;
}

const MAGIC = 0xeb9f;
const KINDS = [
  ...['void', 'int', 'pointer', 'array', 'struct', 'union', 'enum', 'forward', 'typedef', 'volatile', 'const'],
  ...['restrict', 'function', 'prototype', 'variable', 'section', 'float', 'declTag', 'typeTag', 'enum64'],
] as const;

/** @returns all types of a section `.BTF`, by their numbers @throws where it is none */
export const readBtf = (section: Uint8Array): readonly BtfType[] => {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  if (view.getUint16(0, true) !== MAGIC) throw new Error('no BTF');
  const [headerBytes, typesAt, typesBytes, namesAt] = [4, 8, 12, 16].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  const name = (offset: number): string => textAt(section, headerBytes + namesAt + offset);
  const types: BtfType[] = [{ kind: 'other', name: 'void' }];
  const end = headerBytes + typesAt + typesBytes;
  let at = headerBytes + typesAt;
  const word = (): number => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const repeat = <T>(count: number, read: () => T): T[] => Array.from({ length: count }, read);

  const readOne = (): BtfType => {
    const own = name(word());
    const info = word();
    const sizeOrType = word();
    const count = info & 0xffff;
    const hasBits = info >= 2 ** 31;
    const member = (): BtfMember => {
      const [nameAt, type, offset] = [word(), word(), word()];
      return { name: name(nameAt), type, offset: (hasBits ? offset & 0xffffff : offset) / 8 };
    };
    const kind = KINDS[(info >>> 24) & 0x1f];
    switch (kind) {
      case 'int':
        return { kind, name: own, bytes: sizeOrType, isSigned: ((word() >>> 24) & 1) !== 0 };
      case 'pointer':
        return { kind, to: sizeOrType };
      case 'array': {
        const [of, , length] = [word(), word(), word()];
        return { kind, of, count: length };
      }
      case 'struct':
      case 'union':
        return { kind, name: own, bytes: sizeOrType, members: repeat(count, member) };
      case 'enum':
        return {
          ...{ kind, name: own, bytes: sizeOrType },
          values: repeat(count, () => ({ name: name(word()), value: word() })),
        };
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
        return { kind: 'alias', name: own, of: sizeOrType };
      case 'variable':
        word();
        return { kind, name: own, of: sizeOrType };
      case 'section':
        return {
          ...{ kind, name: own },
          members: repeat(count, () => {
            const [type, offset] = [word(), word(), word()];
            return { name: '', type, offset };
          }),
        };
      case 'prototype':
        at += 8 * count;
        return { kind: 'other', name: own };
      case 'declTag':
        word();
        return { kind: 'other', name: own };
      case 'enum64':
        at += 12 * count;
        return { kind: 'other', name: own };
      default:
        return { kind: 'other', name: own };
    }
  };
  while (at < end) types.push(readOne());
  return types;
};
