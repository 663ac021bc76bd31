import { ATTRIBUTE_BYTES, NESTED } from './attributes.ts';
import { align, writeU16, writeU32 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { Flag, HEADER_BYTES } from './header.ts';

const MOST_ATTRIBUTE_BYTES = 0xffff;

/** Most bytes of a batch; the kernel takes what fits a socket's send buffer (212,992 unless it is set otherwise). */
export const MOST_BATCH_BYTES = 128 * 1024;

/** Writes messages one behind the other, as many as are to go in one datagram. */
export class MessageWriter {
  bytes: Uint8Array;
  length = 0;
  #start = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  reset(): void {
    this.length = 0;
  }

  /** Room for `more` bytes, which are then zero. @returns where they begin @throws NetlinkError */
  take(more: number): number {
    const at = this.length;
    const end = at + align(more);
    if (end > MOST_BATCH_BYTES) {
      throw new NetlinkError(NetlinkFault.tooLarge, `a batch has at most ${MOST_BATCH_BYTES} bytes`, 'local');
    }
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
    }
    this.bytes.fill(0, at, end);
    this.length = end;
    return at;
  }

  begin(type: number, flags: number, sequence: number): void {
    this.#start = this.take(HEADER_BYTES);
    writeU16(this.bytes, this.#start + 4, type);
    writeU16(this.bytes, this.#start + 6, flags);
    writeU32(this.bytes, this.#start + 8, sequence);
  }

  end(): void {
    writeU32(this.bytes, this.#start, this.length - this.#start);
  }

  /** Asks for an acknowledgement of the message that was begun last. */
  wantAcknowledgement(): void {
    this.bytes[this.#start + 6] = (this.bytes[this.#start + 6] as number) | Flag.ack;
  }

  /** The header of an attribute. @returns where its value goes @throws NetlinkError */
  attribute(type: number, valueBytes: number): number {
    const length = ATTRIBUTE_BYTES + valueBytes;
    if (length > MOST_ATTRIBUTE_BYTES) {
      throw new NetlinkError(NetlinkFault.tooLarge, `attribute ${type} would have ${length} bytes`, 'local');
    }
    const at = this.take(length);
    writeU16(this.bytes, at, length);
    writeU16(this.bytes, at + 2, type);
    return at + ATTRIBUTE_BYTES;
  }

  u8(type: number, value: number): void {
    const at = this.attribute(type, 1);
    this.bytes[at] = value;
  }

  u16(type: number, value: number): void {
    const at = this.attribute(type, 2);
    writeU16(this.bytes, at, value);
  }

  u32(type: number, value: number): void {
    const at = this.attribute(type, 4);
    writeU32(this.bytes, at, value);
  }

  octets(type: number, value: Uint8Array): void {
    const at = this.attribute(type, value.length);
    this.bytes.set(value, at);
  }

  /** With a final NUL; each character is one byte. */
  text(type: number, value: string): void {
    const at = this.attribute(type, value.length + 1);
    for (let i = 0; i < value.length; i++) this.bytes[at + i] = value.charCodeAt(i);
  }

  /** Begins an attribute that holds others. @returns what `endNested` is to be called with */
  beginNested(type: number, flag = NESTED): number {
    return this.attribute(type | flag, 0) - ATTRIBUTE_BYTES;
  }

  /** @throws NetlinkError */
  endNested(at: number): void {
    const length = this.length - at;
    if (length > MOST_ATTRIBUTE_BYTES) {
      throw new NetlinkError(NetlinkFault.tooLarge, `nested attributes would have ${length} bytes`, 'local');
    }
    writeU16(this.bytes, at, length);
  }
}
