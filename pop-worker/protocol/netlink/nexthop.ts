import { AttributeReader, afterFixed } from './attributes.ts';
import { readU32, writeU32 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { addressBytes, Family } from './family.ts';
import type { MessageWriter } from './writer.ts';

/** RTM_*NEXTHOP (linux/rtnetlink.h). */
export const NextHopMessage = { added: 104, deleted: 105, get: 106 } as const;

/** struct nexthop_grp: a nexthop of a group and its share, 1 to 256. */
export interface GroupMember {
  readonly id: number;
  readonly weight: number;
}

/** struct nhmsg and its attributes (linux/nexthop.h): one hop, or a group of hops among which flows are spread. */
export interface NextHop {
  family: number;
  scope: number;
  protocol: number;
  /** RTNH_F_*. */
  flags: number;
  /** 0: the kernel chooses. */
  id: number;
  /** Not empty: the nexthop is a group and has none of what follows. */
  group: readonly GroupMember[];
  isBlackhole: boolean;
  /** Index. */
  device: number;
  gateway: Uint8Array | undefined;
}

const NHMSG_BYTES = 8;
const MEMBER_BYTES = 8;
/** NHA_*. */
const A = { id: 1, group: 2, blackhole: 4, device: 5, gateway: 6 } as const;

const NO_GROUP: readonly GroupMember[] = [];

export const newNextHop = (fields: Partial<NextHop> = {}): NextHop => ({
  family: Family.any,
  scope: 0,
  protocol: 0,
  flags: 0,
  id: 0,
  group: NO_GROUP,
  isBlackhole: false,
  device: 0,
  gateway: undefined,
  ...fields,
});

const readGroup = ({ bytes, at, end }: AttributeReader): GroupMember[] => {
  if ((end - at) % MEMBER_BYTES !== 0) throw new NetlinkError(NetlinkFault.size, `a group of ${end - at} bytes`);
  const members: GroupMember[] = [];
  for (let next = at; next < end; next += MEMBER_BYTES) {
    members.push({ id: readU32(bytes, next), weight: (bytes[next + 4] as number) + 1 });
  }
  return members;
};

const readAttribute = (nextHop: NextHop, attributes: AttributeReader): void => {
  switch (attributes.type) {
    case A.id:
      nextHop.id = attributes.u32();
      break;
    case A.group:
      nextHop.group = readGroup(attributes);
      break;
    case A.blackhole:
      nextHop.isBlackhole = true;
      break;
    case A.device:
      nextHop.device = attributes.u32();
      break;
    case A.gateway:
      nextHop.gateway = attributes.address();
      break;
    default:
  }
};

/** Reads an RTM_NEWNEXTHOP or RTM_DELNEXTHOP. @throws NetlinkError */
export const readNextHop = (bytes: Uint8Array, at: number, end: number): NextHop => {
  const attributes = new AttributeReader(bytes, afterFixed(at, end, NHMSG_BYTES), end);
  const nextHop = newNextHop({
    family: bytes[at] as number,
    scope: bytes[at + 1] as number,
    protocol: bytes[at + 2] as number,
    flags: readU32(bytes, at + 4),
  });
  while (attributes.next()) readAttribute(nextHop, attributes);
  const { gateway, family } = nextHop;
  if (gateway !== undefined && gateway.length !== addressBytes(family)) {
    throw new NetlinkError(NetlinkFault.size, `a gateway of ${gateway.length} bytes in family ${family}`);
  }
  return nextHop;
};

const writeGroup = (writer: MessageWriter, group: readonly GroupMember[]): void => {
  const at = writer.attribute(A.group, group.length * MEMBER_BYTES);
  for (const [i, { id, weight }] of group.entries()) {
    writeU32(writer.bytes, at + i * MEMBER_BYTES, id);
    writer.bytes[at + i * MEMBER_BYTES + 4] = weight - 1;
  }
};

/** Writes the body of RTM_NEWNEXTHOP, RTM_DELNEXTHOP or RTM_GETNEXTHOP. @throws NetlinkError */
export const writeNextHop = (writer: MessageWriter, nextHop: NextHop): void => {
  const at = writer.take(NHMSG_BYTES);
  writer.bytes[at] = nextHop.family;
  writer.bytes[at + 1] = nextHop.scope;
  writer.bytes[at + 2] = nextHop.protocol;
  writeU32(writer.bytes, at + 4, nextHop.flags);
  if (nextHop.id !== 0) writer.u32(A.id, nextHop.id);
  if (nextHop.group.length > 0) writeGroup(writer, nextHop.group);
  if (nextHop.isBlackhole) writer.attribute(A.blackhole, 0);
  if (nextHop.device !== 0) writer.u32(A.device, nextHop.device);
  if (nextHop.gateway !== undefined) writer.octets(A.gateway, nextHop.gateway);
};
