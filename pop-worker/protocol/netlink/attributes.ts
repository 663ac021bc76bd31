import { align, readU16, readU32, readU64 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';

/** struct nlattr (linux/netlink.h), also struct rtattr (linux/rtnetlink.h): length, type. */
export const ATTRIBUTE_BYTES = 4;

/** NLA_F_NESTED; with NLA_F_NET_BYTEORDER it does not belong to the type (NLA_TYPE_MASK). */
export const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

const NUL = 0;

/** Walks through attributes, without copying. One that lies inside of another gets a reader of its own. */
export class AttributeReader {
  readonly bytes: Uint8Array;
  type = 0;
  /** Where the value begins and ends. */
  at = 0;
  end = 0;
  #next: number;
  readonly #last: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.#next = at;
    this.#last = end;
  }

  /** @returns false at the end @throws NetlinkError */
  next(): boolean {
    const start = this.#next;
    const left = this.#last - start;
    // The last one may go without the bytes that would align a next one, and up to three may be left over (nla_ok).
    if (left < ATTRIBUTE_BYTES) return false;
    const length = readU16(this.bytes, start);
    if (length < ATTRIBUTE_BYTES || length > left) {
      throw new NetlinkError(NetlinkFault.length, `an attribute of ${length} bytes where ${left} are left`);
    }
    this.type = readU16(this.bytes, start + 2) & TYPE_MASK;
    this.at = start + ATTRIBUTE_BYTES;
    this.end = start + length;
    this.#next = start + align(length);
    return true;
  }

  #sized(bytes: number): number {
    if (this.end - this.at !== bytes) {
      throw new NetlinkError(
        NetlinkFault.size,
        `attribute ${this.type} has ${this.end - this.at} bytes instead of ${bytes}`,
      );
    }
    return this.at;
  }

  u8(): number {
    return this.bytes[this.#sized(1)] as number;
  }

  u16(): number {
    return readU16(this.bytes, this.#sized(2));
  }

  u32(): number {
    return readU32(this.bytes, this.#sized(4));
  }

  /** Exact up to 2^53. */
  u64(): number {
    return readU64(this.bytes, this.#sized(8));
  }

  /** A copy of so many bytes. */
  octets(length: number): Uint8Array {
    const at = this.#sized(length);
    return this.bytes.slice(at, this.end);
  }

  /** A copy of 4 or 16 bytes. */
  address(): Uint8Array {
    this.#sized(this.end - this.at === 16 ? 16 : 4);
    return this.bytes.slice(this.at, this.end);
  }

  /** A copy, of any length. */
  copy(): Uint8Array {
    return this.bytes.slice(this.at, this.end);
  }

  /** Up to the first NUL; each byte is one character, as in names of devices. */
  text(): string {
    let text = '';
    for (let i = this.at; i < this.end && this.bytes[i] !== NUL; i++) {
      text += String.fromCharCode(this.bytes[i] as number);
    }
    return text;
  }

  nested(): AttributeReader {
    return new AttributeReader(this.bytes, this.at, this.end);
  }
}

/** Where the attributes of a message begin. @throws NetlinkError when its fixed part does not fit */
export const afterFixed = (at: number, end: number, fixedBytes: number): number => {
  if (end - at < fixedBytes) {
    throw new NetlinkError(NetlinkFault.truncated, `${end - at} bytes where a structure of ${fixedBytes} begins`);
  }
  return at + fixedBytes;
};
