import { copyBytes, u16At, u32At, writeU16, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { addressBits, Family, familyAt, writeFamily } from '#protocol/bgp/wire/families.ts';
import { MrtError } from './errors.ts';
import { HEADER_BYTES, type MrtRecord, MrtType, writeHeader } from './record.ts';

/** RFC 6396 §4.3; with path identifiers: RFC 8050. */
export const TableSubtype = {
  peerIndex: 1,
  ipv4Unicast: 2,
  ipv6Unicast: 4,
  generic: 6,
  ipv4UnicastAddPath: 8,
  ipv6UnicastAddPath: 10,
} as const;

/** Of a peer's type: its AS number has four bytes, its address 16. */
const PEER_AS4 = 0x02;
const PEER_IPV6 = 0x01;

/** RFC 6396 §4.3.1. */
export interface MrtPeer {
  readonly identifier: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly as: number;
}

export interface PeerIndex {
  readonly collector: number;
  readonly view: string;
  readonly peers: readonly MrtPeer[];
}

/** A route of a peer (RFC 6396 §4.3.4). */
export interface MrtEntry {
  /** Place in the peer index. */
  readonly peer: number;
  /** Seconds since 1970. */
  readonly originatedAt: number;
  /** That the peer has given it (RFC 7911); all of a record have one, or none has. */
  readonly pathId?: number | undefined;
  /** Path attributes: AS numbers of four bytes, MP_REACH_NLRI with its next hop alone. */
  readonly attributes: Uint8Array;
}

/** Routes to one destination (RFC 6396 §4.3.2, §4.3.3). */
export interface MrtRoutes {
  readonly sequence: number;
  readonly family: number;
  /** As in an UPDATE: length and prefix, or a flow specification. */
  readonly nlri: Uint8Array;
  readonly entries: readonly MrtEntry[];
}

/** @returns a whole record @throws RangeError when there are more peers than it can say */
export const writePeerIndex = (seconds: number, { collector, view, peers }: PeerIndex): Uint8Array => {
  if (peers.length > 0xffff) throw new RangeError(`${peers.length} peers in an index`);
  const name = Uint8Array.from(view, (character) => character.charCodeAt(0) & 0x7f);
  const length = 8 + name.length + peers.reduce((sum, { address }) => sum + 9 + address.length, 0);
  const out = new Uint8Array(HEADER_BYTES + length);
  let at = writeHeader(out, 0, seconds, MrtType.tableDumpV2, TableSubtype.peerIndex, length);
  at = writeU16(out, writeU32(out, at, collector), name.length);
  at = copyBytes(name, 0, name.length, out, at);
  at = writeU16(out, at, peers.length);
  for (const { identifier, address, as } of peers) {
    out[at] = PEER_AS4 | (address.length === 16 ? PEER_IPV6 : 0);
    at = copyBytes(address, 0, address.length, out, writeU32(out, at + 1, identifier));
    at = writeU32(out, at, as);
  }
  return out;
};

/** By family: without path identifiers, and with them. */
const SUBTYPES: Readonly<Record<number, readonly [number, number]>> = {
  [Family.ipv4Unicast]: [TableSubtype.ipv4Unicast, TableSubtype.ipv4UnicastAddPath],
  [Family.ipv6Unicast]: [TableSubtype.ipv6Unicast, TableSubtype.ipv6UnicastAddPath],
};

/** @returns a whole record @throws RangeError when one of its counts or lengths cannot be said */
export const writeRoutes = (seconds: number, { sequence, family, nlri, entries }: MrtRoutes): Uint8Array => {
  const hasPathIds = entries[0]?.pathId !== undefined;
  const subtype = SUBTYPES[family]?.[hasPathIds ? 1 : 0] ?? TableSubtype.generic;
  const headBytes = hasPathIds ? 12 : 8;
  if (
    entries.some(
      ({ pathId }) => (pathId !== undefined) !== hasPathIds || (hasPathIds && SUBTYPES[family] === undefined),
    )
  )
    throw new RangeError('path identifiers where there can be none, or for some routes alone');
  const familyBytes = subtype === TableSubtype.generic ? 3 : 0;
  const length =
    6 + familyBytes + nlri.length + entries.reduce((sum, { attributes }) => sum + headBytes + attributes.length, 0);
  if (entries.length > 0xffff) throw new RangeError(`${entries.length} routes to one destination`);
  const out = new Uint8Array(HEADER_BYTES + length);
  let at = writeU32(out, writeHeader(out, 0, seconds, MrtType.tableDumpV2, subtype, length), sequence);
  if (subtype === TableSubtype.generic) at = writeFamily(out, at, family);
  at = writeU16(out, copyBytes(nlri, 0, nlri.length, out, at), entries.length);
  for (const { peer, originatedAt, pathId, attributes } of entries) {
    if (attributes.length > 0xffff) throw new RangeError(`${attributes.length} bytes of attributes`);
    at = writeU32(out, writeU16(out, at, peer), originatedAt);
    if (pathId !== undefined) at = writeU32(out, at, pathId);
    at = writeU16(out, at, attributes.length);
    out.set(attributes, at);
    at += attributes.length;
  }
  return out;
};

/** @throws MrtError when it is cut */
export const readPeerIndex = (buffer: Uint8Array, { start, end }: MrtRecord): PeerIndex => {
  need(start, end, 6);
  const nameBytes = u16At(buffer, start + 4);
  need(start + 6, end, nameBytes + 2);
  const view = String.fromCharCode(...buffer.subarray(start + 6, start + 6 + nameBytes).map((byte) => byte & 0x7f));
  const count = u16At(buffer, start + 6 + nameBytes);
  const peers: MrtPeer[] = [];
  let at = start + 8 + nameBytes;
  for (let i = 0; i < count; i++) {
    need(at, end, 1);
    const type = buffer[at] as number;
    const addressBytes = (type & PEER_IPV6) !== 0 ? 16 : 4;
    const asBytes = (type & PEER_AS4) !== 0 ? 4 : 2;
    need(at, end, 5 + addressBytes + asBytes);
    const asAt = at + 5 + addressBytes;
    peers.push({
      identifier: u32At(buffer, at + 1),
      address: buffer.slice(at + 5, asAt),
      as: asBytes === 4 ? u32At(buffer, asAt) : u16At(buffer, asAt),
    });
    at = asAt + asBytes;
  }
  isWhole(at, end);
  return { collector: u32At(buffer, start), view, peers };
};

/** @returns undefined when it is of a kind that we do not know @throws MrtError when it is cut */
export const readRoutes = (buffer: Uint8Array, { subtype, start, end }: MrtRecord): MrtRoutes | undefined => {
  const known = Object.entries(SUBTYPES).find(([, both]) => both.includes(subtype));
  const hasPathIds = known !== undefined && known[1][1] === subtype;
  const headBytes = hasPathIds ? 12 : 8;
  if (known === undefined && subtype !== TableSubtype.generic) return undefined;
  need(start, end, known === undefined ? 8 : 5);
  const family = known === undefined ? familyAt(buffer, start + 4) : Number(known[0]);
  const nlriAt = start + (known === undefined ? 7 : 4);
  const nlriBytes = nlriLength(buffer, nlriAt, family);
  if (nlriBytes === 0) return undefined;
  need(nlriAt, end, nlriBytes + 2);
  const count = u16At(buffer, nlriAt + nlriBytes);
  const entries: MrtEntry[] = [];
  let at = nlriAt + nlriBytes + 2;
  for (let i = 0; i < count; i++) {
    need(at, end, headBytes);
    const rest = at + headBytes;
    const length = u16At(buffer, rest - 2);
    need(rest, end, length);
    entries.push({
      peer: u16At(buffer, at),
      originatedAt: u32At(buffer, at + 2),
      ...(hasPathIds && { pathId: u32At(buffer, at + 6) }),
      attributes: buffer.slice(rest, rest + length),
    });
    at = rest + length;
  }
  isWhole(at, end);
  return { sequence: u32At(buffer, start), family, nlri: buffer.slice(nlriAt, nlriAt + nlriBytes), entries };
};

/** @returns bytes of the destination at `at`; 0 when the family is none that we know */
const nlriLength = (buffer: Uint8Array, at: number, family: number): number => {
  const first = buffer[at] as number;
  if (family === Family.ipv4Flow || family === Family.ipv6Flow)
    return first < 0xf0 ? 1 + first : 2 + (u16At(buffer, at) & 0x0fff);
  if (family !== Family.ipv4Unicast && family !== Family.ipv6Unicast) return 0;
  if (first > addressBits(family)) throw new MrtError(`a prefix of /${first}`);
  return 1 + ((first + 7) >>> 3);
};

const need = (at: number, end: number, bytes: number): void => {
  if (end - at < bytes) throw new MrtError('a record that is cut');
};

const isWhole = (at: number, end: number): void => {
  if (at !== end) throw new MrtError(`a record with ${end - at} bytes too many`);
};
