import { AttributeReader, afterFixed } from './attributes.ts';
import { align, readU32 } from './bytes.ts';
import { Flag, HEADER_BYTES, type MessageReader } from './header.ts';

/** NLMSGERR_ATTR_* (linux/netlink.h), what NETLINK_EXT_ACK adds. */
const Extended = { message: 1, offset: 2, missingType: 5, missingNest: 6 } as const;

/** Why the kernel did not do what it was asked for. */
export interface Refusal {
  /** A positive errno. */
  readonly errno: number;
  /** In the kernel's words, where it has some. */
  readonly message?: string;
  /** Of the attribute that is wrong, in the request. */
  readonly offset?: number;
  /** Of the attribute that is missing. */
  readonly missingType?: number;
}

const ERRNO_BYTES = 4;

const refusalOf = (errno: number, attributes: AttributeReader): Refusal => {
  const found: { -readonly [Key in keyof Refusal]: Refusal[Key] } = { errno };
  while (attributes.next()) {
    if (attributes.type === Extended.message) found.message = attributes.text();
    else if (attributes.type === Extended.offset) found.offset = attributes.u32();
    else if (attributes.type === Extended.missingType) found.missingType = attributes.u32();
  }
  return found;
};

/**
 * Reads an NLMSG_ERROR (struct nlmsgerr: the errno, then the header of the request and, unless the message is capped,
 * its body; then attributes). @returns undefined: it was done @throws NetlinkError
 */
export const readAcknowledgement = ({ bytes, at, end, flags }: MessageReader): Refusal | undefined => {
  let attributesAt = afterFixed(at, end, ERRNO_BYTES + HEADER_BYTES);
  const errno = -(readU32(bytes, at) | 0);
  if (errno === 0) return undefined;
  if ((flags & Flag.ackAttributes) === 0) return { errno };
  if ((flags & Flag.capped) === 0) {
    const requestBytes = align(readU32(bytes, at + ERRNO_BYTES));
    attributesAt = afterFixed(at + ERRNO_BYTES, end, Math.max(requestBytes, HEADER_BYTES));
  }
  return refusalOf(errno, new AttributeReader(bytes, attributesAt, end));
};

/** Reads an NLMSG_DONE, whose errno tells how the dump ended. @throws NetlinkError */
export const readDone = ({ bytes, at, end, flags }: MessageReader): Refusal | undefined => {
  // Older kernels end some dumps without a number.
  if (at === end) return undefined;
  const attributesAt = afterFixed(at, end, ERRNO_BYTES);
  const errno = -(readU32(bytes, at) | 0);
  if (errno <= 0) return undefined;
  if ((flags & Flag.ackAttributes) === 0) return { errno };
  return refusalOf(errno, new AttributeReader(bytes, attributesAt, end));
};
