import { align, readU16, readU32 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';

/** struct nlmsghdr (linux/netlink.h): length, type, flags, sequence, port. */
export const HEADER_BYTES = 16;

/** Types below NLMSG_MIN_TYPE (linux/netlink.h). */
export const ControlType = { noop: 1, error: 2, done: 3 } as const;

/** NLM_F_* (linux/netlink.h). Those for new objects share their bits with those for dumps. */
export const Flag = {
  request: 1,
  multi: 2,
  ack: 4,
  /** What was dumped changed meanwhile: dump again. */
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  /** Of an NLMSG_ERROR: the request is not repeated in it; attributes follow. */
  capped: 0x100,
  ackAttributes: 0x200,
} as const;

/** Walks through the messages of one datagram, without copying. */
export class MessageReader {
  bytes: Uint8Array = new Uint8Array(0);
  type = 0;
  flags = 0;
  sequence = 0;
  /** Whose request this answers or, of a notification, who caused it; 0: the kernel. */
  port = 0;
  /** Where the body begins and ends. */
  at = 0;
  end = 0;
  #next = 0;
  #last = 0;

  begin(bytes: Uint8Array, length: number): void {
    this.bytes = bytes;
    this.#next = 0;
    this.#last = length;
  }

  /** @returns false at the end of the datagram @throws NetlinkError */
  next(): boolean {
    const start = this.#next;
    const left = this.#last - start;
    if (left <= 0) return false;
    if (left < HEADER_BYTES) throw new NetlinkError(NetlinkFault.truncated, 'a message ends in its header');
    const length = readU32(this.bytes, start);
    if (length < HEADER_BYTES || length > left) {
      throw new NetlinkError(NetlinkFault.length, `a message of ${length} bytes in a datagram with ${left} left`);
    }
    this.type = readU16(this.bytes, start + 4);
    this.flags = readU16(this.bytes, start + 6);
    this.sequence = readU32(this.bytes, start + 8);
    this.port = readU32(this.bytes, start + 12);
    this.at = start + HEADER_BYTES;
    this.end = start + length;
    this.#next = start + align(length);
    return true;
  }
}
