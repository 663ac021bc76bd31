import { checksum, readWord, writeWord } from './checksum.ts';
import type { IpView } from './view.ts';

const MORE = 0x2000;
const OFFSET = 0x1fff;
const BASE_BYTES = 20;
/** The largest IPv4 header. */
const MOST_HEADER_BYTES = 60;
/** Offsets count in units of 8 bytes. */
const UNIT = 8;

/**
 * Cuts one IPv4 packet into fragments that fit (RFC 791 §3.2, RFC 1812 §5.2.6), itself a fragment or not, one at a time and
 * in place, without allocation.
 */
export class Fragmenter {
  #buffer: Uint8Array = new Uint8Array(0);
  #end = 0;
  #mtu = 0;
  #position = 0;
  #payloadAt = 0;
  /** Flags and offset as they came. */
  #field = 0;
  #headerBytes = 0;
  /** Of all fragments but the first: without the options that are not copied. */
  readonly #later = new Uint8Array(MOST_HEADER_BYTES);
  #laterBytes = 0;
  /** Where the fragment of the last `nextInPlace` begins. */
  start = 0;

  /**
   * Starts on a packet that `view` describes.
   *
   * @param mtu bytes of the largest fragment
   * @returns false when it must not be fragmented, or that is too little for it: it must be dropped
   */
  begin(buffer: Uint8Array, view: IpView, mtu: number): boolean {
    if (view.version !== 4 || view.dontFragment) return false;
    this.#headerBytes = ((buffer[view.start] as number) & 0x0f) * 4;
    if (mtu < this.#headerBytes + UNIT) return false;
    this.#buffer = buffer;
    this.start = view.start;
    this.#end = view.end;
    this.#mtu = mtu;
    this.#payloadAt = view.start + this.#headerBytes;
    this.#position = this.#payloadAt;
    this.#field = readWord(buffer, view.start + 6);
    this.#copyLaterHeader(buffer, view.start);
    return true;
  }

  /**
   * Writes the next fragment's header in front of where its payload lies, over the end of the fragment before, which must be
   * done with. It begins at `start`.
   *
   * @returns its bytes, 0 when all are out
   */
  nextInPlace(): number {
    const isFirst = this.#position === this.#payloadAt;
    const left = this.#end - this.#position;
    if (left === 0 && !isFirst) return 0;
    const out = this.#buffer;
    const headerBytes = isFirst ? this.#headerBytes : this.#laterBytes;
    const at = this.#position - headerBytes;
    if (!isFirst) for (let i = 0; i < headerBytes; i++) out[at + i] = this.#later[i] as number;
    const room = this.#mtu - headerBytes;
    const bytes = left <= room ? left : room - (room % UNIT);
    const offset = (this.#field & OFFSET) + (this.#position - this.#payloadAt) / UNIT;
    const more = bytes < left ? MORE : this.#field & MORE;
    const total = headerBytes + bytes;
    writeWord(out, at + 2, total);
    writeWord(out, at + 6, more | offset);
    writeWord(out, at + 10, 0);
    writeWord(out, at + 10, checksum(out, at, at + headerBytes));
    this.#position += bytes;
    this.start = at;
    return total;
  }

  /** RFC 791 §3.1: an option whose copied flag is set is in every fragment, others are in the first only. */
  #copyLaterHeader(buffer: Uint8Array, start: number): void {
    const later = this.#later.fill(0);
    for (let i = 0; i < BASE_BYTES; i++) later[i] = buffer[start + i] as number;
    let to = BASE_BYTES;
    for (let at = start + BASE_BYTES; at < this.#payloadAt; ) {
      const type = buffer[at] as number;
      if (type === 0) break;
      const length = type === 1 ? 1 : (buffer[at + 1] as number);
      if (length < 1 || (type !== 1 && length < 2) || at + length > this.#payloadAt) break;
      if ((type & 0x80) !== 0) for (let i = 0; i < length; i++) later[to++] = buffer[at + i] as number;
      at += length;
    }
    this.#laterBytes = Math.ceil(to / 4) * 4;
    later[0] = 0x40 | (this.#laterBytes / 4);
  }
}
