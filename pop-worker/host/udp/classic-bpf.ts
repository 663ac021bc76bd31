import { endianness } from 'node:os';

/** Codes of classic BPF (linux/filter.h); A is what was loaded last. */
export const Bpf = {
  loadWord: 0x20,
  loadByte: 0x30,
  jump: 0x05,
  jumpIfEqual: 0x15,
  modulo: 0x94,
  return: 0x06,
  returnLoaded: 0x16,
} as const;
export type Bpf = (typeof Bpf)[keyof typeof Bpf];

const INSTRUCTION_BYTES = 8;
const isLittle = endianness() === 'LE';

/** A program for `UdpSocket.filter` and `UdpSocket.steer`, an instruction after the other. */
export class BpfProgram {
  readonly #instructions: [code: Bpf, ifEqual: number, ifNot: number, value: number][] = [];

  /** @param ifEqual instructions to skip when A equals `value` @param ifNot …and when it does not */
  add(code: Bpf, value = 0, ifEqual = 0, ifNot = 0): this {
    this.#instructions.push([code, ifEqual, ifNot, value]);
    return this;
  }

  /** In the machine's byte order. */
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
