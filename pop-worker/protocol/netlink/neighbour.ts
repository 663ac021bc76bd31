import { AttributeReader, afterFixed } from './attributes.ts';
import { readU16, readU32, writeU16, writeU32 } from './bytes.ts';
import { Family } from './family.ts';
import type { MessageWriter } from './writer.ts';

/** RTM_*NEIGH (linux/rtnetlink.h). */
export const NeighbourMessage = { added: 28, deleted: 29, get: 30 } as const;

/** struct ndmsg and its attributes (linux/neighbour.h). */
export interface Neighbour {
  family: number;
  /** Of the device. */
  index: number;
  /** NUD_*. */
  state: number;
  /** NTF_*. */
  flags: number;
  type: number;
  address: Uint8Array | undefined;
  /** Of the link, as long as the hardware has it. */
  linkAddress: Uint8Array | undefined;
}

const NDMSG_BYTES = 12;
/** NDA_*. */
const A = { address: 1, linkAddress: 2 } as const;

export const newNeighbour = (fields: Partial<Neighbour> = {}): Neighbour => ({
  family: Family.any,
  index: 0,
  state: 0,
  flags: 0,
  type: 0,
  address: undefined,
  linkAddress: undefined,
  ...fields,
});

/** Reads an RTM_NEWNEIGH or RTM_DELNEIGH. @throws NetlinkError */
export const readNeighbour = (bytes: Uint8Array, at: number, end: number): Neighbour => {
  const attributes = new AttributeReader(bytes, afterFixed(at, end, NDMSG_BYTES), end);
  const neighbour = newNeighbour({
    family: bytes[at] as number,
    index: readU32(bytes, at + 4),
    state: readU16(bytes, at + 8),
    flags: bytes[at + 10] as number,
    type: bytes[at + 11] as number,
  });
  while (attributes.next()) {
    // A bridge's entries (AF_BRIDGE) have no address of ours.
    if (attributes.type === A.address) neighbour.address = attributes.copy();
    else if (attributes.type === A.linkAddress) neighbour.linkAddress = attributes.copy();
  }
  return neighbour;
};

/** Writes the body of RTM_NEWNEIGH, RTM_DELNEIGH or RTM_GETNEIGH. @throws NetlinkError */
export const writeNeighbour = (writer: MessageWriter, neighbour: Neighbour): void => {
  const at = writer.take(NDMSG_BYTES);
  writer.bytes[at] = neighbour.family;
  writeU32(writer.bytes, at + 4, neighbour.index);
  writeU16(writer.bytes, at + 8, neighbour.state);
  writer.bytes[at + 10] = neighbour.flags;
  writer.bytes[at + 11] = neighbour.type;
  if (neighbour.address !== undefined) writer.octets(A.address, neighbour.address);
  if (neighbour.linkAddress !== undefined) writer.octets(A.linkAddress, neighbour.linkAddress);
};
