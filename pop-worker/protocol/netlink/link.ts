import { AttributeReader, afterFixed } from './attributes.ts';
import { readU16, readU32, writeU16, writeU32 } from './bytes.ts';
import { Family } from './family.ts';
import type { MessageWriter } from './writer.ts';

/** RTM_*LINK (linux/rtnetlink.h). */
export const LinkMessage = { added: 16, deleted: 17, get: 18 } as const;

/** IFF_* (linux/if.h). */
export const LinkFlag = { up: 1, running: 0x40 } as const;

/** struct ifinfomsg and its attributes (linux/if_link.h); 0, '' and undefined stand for one that is not there. */
export interface Link {
  /** Of the message: AF_BRIDGE has links of its own. */
  family: number;
  index: number;
  /** ARPHRD_*. */
  hardware: number;
  flags: number;
  /** Which flags to set. */
  change: number;
  name: string;
  mtu: number;
  /** Index of the bridge, bond or VRF that it belongs to. */
  master: number;
  /** IF_OPER_* (RFC 2863). */
  operation: number;
  address: Uint8Array | undefined;
  /** `tun`, `veth`, `bridge`. */
  kind: string;
  /** IN6_ADDR_GEN_MODE_*, only written: -1 leaves it. */
  addressGeneration: number;
}

const IFINFOMSG_BYTES = 16;
/** IFLA_*. */
const A = { address: 1, name: 3, mtu: 4, master: 10, operation: 16, information: 18, families: 26 } as const;
/** IFLA_INFO_KIND. */
const INFORMATION_KIND = 1;
/** IFLA_INET6_ADDR_GEN_MODE. */
const ADDRESS_GENERATION = 8;
/** IN6_ADDR_GEN_MODE_NONE: without a link-local address. */
export const NO_ADDRESS_GENERATION = 1;

export const newLink = (fields: Partial<Link> = {}): Link => ({
  family: Family.any,
  index: 0,
  hardware: 0,
  flags: 0,
  change: 0,
  name: '',
  mtu: 0,
  master: 0,
  operation: 0,
  address: undefined,
  kind: '',
  addressGeneration: -1,
  ...fields,
});

/** Whether packets can leave by it: set up, and with a carrier. */
export const isUsable = ({ flags }: Pick<Link, 'flags'>): boolean =>
  (flags & LinkFlag.up) !== 0 && (flags & LinkFlag.running) !== 0;

const readKind = (information: AttributeReader): string => {
  let kind = '';
  while (information.next()) if (information.type === INFORMATION_KIND) kind = information.text();
  return kind;
};

const readAttribute = (link: Link, attributes: AttributeReader): void => {
  switch (attributes.type) {
    case A.address:
      link.address = attributes.copy();
      break;
    case A.name:
      link.name = attributes.text();
      break;
    case A.mtu:
      link.mtu = attributes.u32();
      break;
    case A.master:
      link.master = attributes.u32();
      break;
    case A.operation:
      link.operation = attributes.u8();
      break;
    case A.information:
      link.kind = readKind(attributes.nested());
      break;
    default:
  }
};

/** Reads an RTM_NEWLINK or RTM_DELLINK. @throws NetlinkError */
export const readLink = (bytes: Uint8Array, at: number, end: number): Link => {
  const attributes = new AttributeReader(bytes, afterFixed(at, end, IFINFOMSG_BYTES), end);
  const link = newLink({
    family: bytes[at] as number,
    hardware: readU16(bytes, at + 2),
    index: readU32(bytes, at + 4),
    flags: readU32(bytes, at + 8),
    change: readU32(bytes, at + 12),
  });
  while (attributes.next()) readAttribute(link, attributes);
  return link;
};

const writeNested = (writer: MessageWriter, types: readonly number[], write: () => void): void => {
  const [type, ...inner] = types;
  if (type === undefined) {
    write();
    return;
  }
  const at = writer.beginNested(type);
  writeNested(writer, inner, write);
  writer.endNested(at);
};

/** Writes the body of RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK or RTM_GETLINK. @throws NetlinkError */
export const writeLink = (writer: MessageWriter, link: Link): void => {
  const at = writer.take(IFINFOMSG_BYTES);
  writer.bytes[at] = link.family;
  writeU16(writer.bytes, at + 2, link.hardware);
  writeU32(writer.bytes, at + 4, link.index);
  writeU32(writer.bytes, at + 8, link.flags);
  writeU32(writer.bytes, at + 12, link.change);
  if (link.name !== '') writer.text(A.name, link.name);
  if (link.mtu !== 0) writer.u32(A.mtu, link.mtu);
  if (link.master !== 0) writer.u32(A.master, link.master);
  if (link.operation !== 0) writer.u8(A.operation, link.operation);
  if (link.address !== undefined) writer.octets(A.address, link.address);
  if (link.kind !== '') writeNested(writer, [A.information], () => writer.text(INFORMATION_KIND, link.kind));
  const { addressGeneration } = link;
  if (addressGeneration >= 0) {
    writeNested(writer, [A.families, Family.ipv6], () => writer.u8(ADDRESS_GENERATION, addressGeneration));
  }
};
