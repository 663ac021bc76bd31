import { checksum, fold, pseudoHeaderSum, readWord, type Sum, sumWords, writeWord } from './checksum.ts';
import { type IpView, Protocol } from './view.ts';

const FIN_PSH = 0x09;
const CWR = 0x80;

/**
 * Cuts one large TCP or UDP packet (as the kernel hands it over with segmentation offload) into packets that fit, each
 * with right lengths, sequence numbers, IPv4 identification and checksums. One at a time, without allocation.
 */
export class Segmenter {
  readonly #sum: Sum;
  #buffer: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #payloadAt = 0;
  #isIpv4 = true;
  #isTcp = true;
  #upperAt = 0;
  #addressesAt = 0;
  #addressBytes = 8;
  #segmentBytes = 0;
  #position = 0;
  #index = 0;
  /** The headers as they came. */
  #template = new Uint8Array(128);
  /** Where the segment of the last `nextInPlace` begins. */
  start = 0;

  /** @param sum adds the 16-bit words of a range; the packet engine has a faster one than ours */
  constructor(sum: Sum = sumWords) {
    this.#sum = sum;
  }

  /**
   * Starts on a packet that `view` describes.
   *
   * @param segmentBytes payload bytes of each segment but the last
   * @returns false when it is neither TCP nor UDP, or its headers do not fit: the packet must be dropped
   */
  begin(buffer: Uint8Array, view: IpView, segmentBytes: number): boolean {
    const tcp = view.protocol === Protocol.tcp;
    if (segmentBytes < 1 || (!tcp && view.protocol !== Protocol.udp)) return false;
    if (view.payloadAt + (tcp ? 20 : 8) > view.end) return false;
    const headers = headerBytes(buffer, view);
    const payloadAt = view.start + headers;
    if (payloadAt < view.payloadAt + (tcp ? 20 : 8) || payloadAt > view.end) return false;
    this.#buffer = buffer;
    this.#start = view.start;
    this.#end = view.end;
    this.#isIpv4 = view.version === 4;
    this.#isTcp = tcp;
    this.#upperAt = view.payloadAt - view.start;
    this.#payloadAt = payloadAt;
    this.#addressesAt = view.sourceAt - view.start;
    this.#addressBytes = view.addressBytes * 2;
    this.#segmentBytes = segmentBytes;
    this.#position = this.#payloadAt;
    this.#index = 0;
    if (headers > this.#template.length) this.#template = new Uint8Array(2 * headers);
    copy(buffer, view.start, headers, this.#template, 0);
    return true;
  }

  /** Bytes that the next segment will take, 0 when all are out. */
  nextBytes(): number {
    if (this.#position >= this.#end && this.#index > 0) return 0;
    return this.#payloadAt - this.#start + Math.min(this.#segmentBytes, this.#end - this.#position);
  }

  /**
   * Writes the next segment's headers in front of where its payload lies, over the end of the segment before, which must
   * be done with. It begins at `start`, never before the whole packet did.
   *
   * @returns its bytes, 0 when all are out
   */
  nextInPlace(): number {
    const total = this.nextBytes();
    if (total === 0) return 0;
    const out = this.#buffer;
    const headers = this.#payloadAt - this.#start;
    const at = this.#position - headers;
    const isLast = this.#position + total - headers >= this.#end;
    copy(this.#template, 0, headers, out, at);
    this.#fixIp(out, at, total);
    if (this.#isTcp) this.#fixTcp(out, at, isLast);
    this.#fixUpper(out, at, total);
    this.#position += total - headers;
    this.#index++;
    this.start = at;
    return total;
  }

  #fixIp(out: Uint8Array, at: number, total: number): void {
    if (!this.#isIpv4) {
      writeWord(out, at + 4, total - 40);
      return;
    }
    writeWord(out, at + 2, total);
    writeWord(out, at + 4, (readWord(this.#template, 4) + this.#index) & 0xffff);
    writeWord(out, at + 10, 0);
    writeWord(out, at + 10, checksum(out, at, at + this.#upperAt));
  }

  /** RFC 9293 §3.1: FIN and PSH belong to the last bytes, CWR (RFC 3168 §6.1.2) to the first. */
  #fixTcp(out: Uint8Array, at: number, isLast: boolean): void {
    const tcp = at + this.#upperAt;
    const sequence =
      (readWord(out, tcp + 4) * 0x10000 + readWord(out, tcp + 6) + (this.#position - this.#payloadAt)) >>> 0;
    writeWord(out, tcp + 4, sequence >>> 16);
    writeWord(out, tcp + 6, sequence & 0xffff);
    let flags = out[tcp + 13] as number;
    if (!isLast) flags &= ~FIN_PSH;
    if (this.#index > 0) flags &= ~CWR;
    out[tcp + 13] = flags;
  }

  #fixUpper(out: Uint8Array, at: number, total: number): void {
    const upper = at + this.#upperAt;
    const length = total - this.#upperAt;
    const protocol = this.#isTcp ? Protocol.tcp : Protocol.udp;
    const checkAt = upper + (this.#isTcp ? 16 : 6);
    if (!this.#isTcp) writeWord(out, upper + 4, length);
    writeWord(out, checkAt, 0);
    const pseudo = pseudoHeaderSum(out, at + this.#addressesAt, this.#addressBytes, protocol, length);
    const check = ~fold(pseudo + this.#sum(out, upper, upper + length)) & 0xffff;
    writeWord(out, checkAt, check === 0 && !this.#isTcp ? 0xffff : check);
  }
}

/** Bytes of IP and TCP or UDP header that every segment of a packet has in front of its payload. */
export const headerBytes = (buffer: Uint8Array, view: IpView): number => {
  const upper = view.protocol === Protocol.tcp ? ((buffer[view.payloadAt + 12] ?? 0) >>> 4) * 4 : 8;
  return view.payloadAt - view.start + upper;
};

/** Headers: a loop is faster than a view for so few bytes. */
const copy = (from: Uint8Array, start: number, bytes: number, to: Uint8Array, at: number): void => {
  for (let i = 0; i < bytes; i++) to[at + i] = from[start + i] as number;
};

/**
 * Completes the checksum of a packet that the kernel left for the device to do (virtio's NEEDS_CSUM): the field holds
 * the pseudo-header's sum.
 *
 * @param from first byte that the checksum covers @param field offset of the checksum from there
 * @returns false when the offsets lie outside of the packet
 */
export const completeChecksum = (
  buffer: Uint8Array,
  from: number,
  field: number,
  end: number,
  sum: Sum = sumWords,
): boolean => {
  if (from < 0 || field < 0 || from + field + 2 > end) return false;
  const check = ~fold(sum(buffer, from, end)) & 0xffff;
  writeWord(buffer, from + field, check === 0 ? 0xffff : check);
  return true;
};
