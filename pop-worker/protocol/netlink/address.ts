import { AttributeReader, afterFixed } from './attributes.ts';
import { readU32, writeU32 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { addressBytes, Family } from './family.ts';
import type { MessageWriter } from './writer.ts';

/** RTM_*ADDR (linux/rtnetlink.h). */
export const AddressMessage = { added: 20, deleted: 21, get: 22 } as const;

/** IFA_F_* (linux/if_addr.h). */
export const AddressFlag = { noDuplicateDetection: 2 } as const;

/** struct ifaddrmsg and its attributes (linux/if_addr.h). */
export interface Address {
  family: number;
  prefixLength: number;
  scope: number;
  /** Of the device. */
  index: number;
  /** IFA_F_*, all 32 bits. */
  flags: number;
  /** The address of this end. */
  local: Uint8Array | undefined;
  /** That of the other end of a point-to-point link, else the same. */
  peer: Uint8Array | undefined;
}

const IFADDRMSG_BYTES = 8;
/** IFA_*. */
const A = { address: 1, local: 2, flags: 8 } as const;

export const newAddress = (fields: Partial<Address> = {}): Address => ({
  family: Family.any,
  prefixLength: 0,
  scope: 0,
  index: 0,
  flags: 0,
  local: undefined,
  peer: undefined,
  ...fields,
});

const checked = (address: Address): Address => {
  const bytes = addressBytes(address.family);
  for (const value of [address.local, address.peer]) {
    if (value !== undefined && value.length !== bytes) {
      throw new NetlinkError(NetlinkFault.size, `an address of ${value.length} bytes in family ${address.family}`);
    }
  }
  // IPv6 tells the address of a link without another end in one attribute only.
  address.local ??= address.peer;
  return address;
};

/** Reads an RTM_NEWADDR or RTM_DELADDR. @throws NetlinkError */
export const readAddress = (bytes: Uint8Array, at: number, end: number): Address => {
  const attributes = new AttributeReader(bytes, afterFixed(at, end, IFADDRMSG_BYTES), end);
  const address = newAddress({
    family: bytes[at] as number,
    prefixLength: bytes[at + 1] as number,
    flags: bytes[at + 2] as number,
    scope: bytes[at + 3] as number,
    index: readU32(bytes, at + 4),
  });
  while (attributes.next()) {
    if (attributes.type === A.local) address.local = attributes.address();
    else if (attributes.type === A.address) address.peer = attributes.address();
    else if (attributes.type === A.flags) address.flags = attributes.u32();
  }
  return checked(address);
};

/** Writes the body of RTM_NEWADDR, RTM_DELADDR or RTM_GETADDR. @throws NetlinkError */
export const writeAddress = (writer: MessageWriter, address: Address): void => {
  const at = writer.take(IFADDRMSG_BYTES);
  writer.bytes[at] = address.family;
  writer.bytes[at + 1] = address.prefixLength;
  writer.bytes[at + 2] = address.flags;
  writer.bytes[at + 3] = address.scope;
  writeU32(writer.bytes, at + 4, address.index);
  if (address.local !== undefined) writer.octets(A.local, address.local);
  if (address.peer !== undefined) writer.octets(A.address, address.peer);
  if (address.flags !== 0) writer.u32(A.flags, address.flags);
};
