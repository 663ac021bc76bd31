import { endianness } from 'node:os';
import { addressFamily } from '#protocol/address.ts';
import { HOP_LIMIT } from '#protocol/bfd/options.ts';

/** Classic BPF (linux/filter.h): what the program does with the packet's bytes, whose IP header begins at `NETWORK`. */
const LOAD_WORD = 0x20;
const LOAD_BYTE = 0x30;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const NETWORK = 0xfff0_0000;
const ALL = 0xffff_ffff;
const NONE = 0;
const INSTRUCTION_BYTES = 8;

/** Where hop limit and source address lie in an IP header, and the address's words. */
const HEADERS = {
  4: { hopLimit: 8, source: 12, words: 1 },
  6: { hopLimit: 7, source: 8, words: 4 },
} as const;

const isLittle = endianness() === 'LE';

class Program {
  readonly #instructions: [code: number, ifEqual: number, ifNot: number, value: number][] = [];

  load(code: number, at: number): void {
    this.#instructions.push([code, 0, 0, NETWORK + at]);
  }

  /** Goes on when what was loaded equals `value`, else skips so many instructions. */
  want(value: number, skip: number): void {
    this.#instructions.push([JUMP_IF_EQUAL, 0, skip, value]);
  }

  /** Goes on when what was loaded equals `value`, else drops the packet. */
  refuseUnless(value: number): void {
    this.#instructions.push([JUMP_IF_EQUAL, 1, 0, value]);
    this.end(NONE);
  }

  end(bytes: number): void {
    this.#instructions.push([RETURN, 0, 0, bytes]);
  }

  bytes(): Uint8Array {
    const view = new DataView(new ArrayBuffer(this.#instructions.length * INSTRUCTION_BYTES));
    for (const [i, [code, ifEqual, ifNot, value]] of this.#instructions.entries()) {
      const at = i * INSTRUCTION_BYTES;
      view.setUint16(at, code, isLittle);
      view.setUint8(at + 2, ifEqual);
      view.setUint8(at + 3, ifNot);
      view.setUint32(at + 4, value, isLittle);
    }
    return new Uint8Array(view.buffer);
  }
}

/** What a receiver lets through. */
export interface Wanted {
  readonly family: 4 | 6;
  /** Only what has not been through a router (RFC 5881 §5). */
  readonly singleHop: boolean;
  /** Only from these hosts; undefined: from all (RFC 5881 §6). */
  readonly sources: readonly Int32Array[] | undefined;
}

/**
 * A program that drops in the kernel what no session can want, so that a flood of strangers neither costs this thread
 * anything nor fills the room that packets of neighbours wait in.
 */
export const receiveFilter = ({ family, singleHop, sources }: Wanted): Uint8Array => {
  const { hopLimit, source, words } = HEADERS[family];
  const program = new Program();
  if (singleHop) {
    program.load(LOAD_BYTE, hopLimit);
    program.refuseUnless(HOP_LIMIT);
  }
  for (const address of sources ?? []) {
    if (addressFamily(address) !== family) continue;
    const bytes = new DataView(address.buffer, address.byteOffset + 2 * Int32Array.BYTES_PER_ELEMENT, 4 * words);
    for (let word = 0; word < words; word++) {
      program.load(LOAD_WORD, source + 4 * word);
      // To behind this source's acceptance.
      program.want(bytes.getUint32(4 * word), 2 * (words - word - 1) + 1);
    }
    program.end(ALL);
  }
  program.end(sources === undefined ? ALL : NONE);
  return program.bytes();
};
