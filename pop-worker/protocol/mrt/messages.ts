import { copyBytes, u16At, u32At, writeU16, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { MrtError } from './errors.ts';
import { HEADER_BYTES, type MrtRecord, type MrtTime, MrtType, writeHeader } from './record.ts';

/** RFC 6396 §4.4; of sessions with path identifiers: RFC 8050. */
export const MessageSubtype = {
  stateChange: 0,
  message: 1,
  messageAs4: 4,
  stateChangeAs4: 5,
  messageLocal: 6,
  messageAs4Local: 7,
  messageAddPath: 8,
  messageAs4AddPath: 9,
  messageLocalAddPath: 10,
  messageAs4LocalAddPath: 11,
} as const;

/** Who is at both ends of a session. */
export interface MrtSession {
  readonly peerAs: number;
  readonly localAs: number;
  /** 0: not known. */
  readonly interfaceIndex: number;
  /** 4 or 16 bytes, both as many. */
  readonly peerAddress: Uint8Array;
  readonly localAddress: Uint8Array;
}

/** A BGP message that came or went. */
export interface MrtMessage extends MrtSession {
  /** Whether we have sent it. */
  readonly isOurs: boolean;
  /** Bytes of an AS number in its AS_PATH: what both sides have agreed on. */
  readonly asBytes: 2 | 4;
  /** Whether its prefixes have path identifiers (RFC 7911). */
  readonly hasPathIds: boolean;
  /** All of it, with its marker. */
  readonly message: Uint8Array;
}

/** States by their numbers: 1 is Idle, 6 Established. */
export interface MrtStateChange extends MrtSession {
  readonly from: number;
  readonly to: number;
}

/** A two-byte AS number stands for a longer one as AS_TRANS (RFC 6793 §9). */
const shortAs = (as: number): number => (as > 0xffff ? 23_456 : as);

const sessionBytes = ({ peerAddress }: MrtSession, asBytes: 2 | 4): number => 2 * asBytes + 4 + 2 * peerAddress.length;

/** Begins a record with microseconds, of which `rest` bytes follow the session. @returns it, and where the rest goes */
const begin = (time: MrtTime, subtype: number, session: MrtSession, asBytes: 2 | 4, rest: number) => {
  const { peerAs, localAs, interfaceIndex, peerAddress, localAddress } = session;
  if (peerAddress.length !== localAddress.length) throw new RangeError('addresses of two families');
  const length = 4 + sessionBytes(session, asBytes) + rest;
  const out = new Uint8Array(HEADER_BYTES + length);
  let at = writeHeader(out, 0, time.seconds, MrtType.bgp4mpEt, subtype, length);
  at = writeU32(out, at, time.microseconds);
  for (const as of [peerAs, localAs]) at = asBytes === 4 ? writeU32(out, at, as) : writeU16(out, at, shortAs(as));
  at = writeU16(out, writeU16(out, at, interfaceIndex), peerAddress.length === 4 ? 1 : 2);
  at = copyBytes(peerAddress, 0, peerAddress.length, out, at);
  return { out, at: copyBytes(localAddress, 0, localAddress.length, out, at) };
};

/** What the subtype of a message says, bit by bit. */
const MESSAGES: readonly (readonly [number, Pick<MrtMessage, 'asBytes' | 'hasPathIds' | 'isOurs'>])[] = [
  [MessageSubtype.message, { asBytes: 2, isOurs: false, hasPathIds: false }],
  [MessageSubtype.messageAs4, { asBytes: 4, isOurs: false, hasPathIds: false }],
  [MessageSubtype.messageLocal, { asBytes: 2, isOurs: true, hasPathIds: false }],
  [MessageSubtype.messageAs4Local, { asBytes: 4, isOurs: true, hasPathIds: false }],
  [MessageSubtype.messageAddPath, { asBytes: 2, isOurs: false, hasPathIds: true }],
  [MessageSubtype.messageAs4AddPath, { asBytes: 4, isOurs: false, hasPathIds: true }],
  [MessageSubtype.messageLocalAddPath, { asBytes: 2, isOurs: true, hasPathIds: true }],
  [MessageSubtype.messageAs4LocalAddPath, { asBytes: 4, isOurs: true, hasPathIds: true }],
];

const subtypeOf = ({ asBytes, isOurs, hasPathIds }: MrtMessage): number =>
  MESSAGES.find(([, one]) => one.asBytes === asBytes && one.isOurs === isOurs && one.hasPathIds === hasPathIds)?.[0] ??
  MessageSubtype.message;

/** @returns a whole record, with microseconds */
export const writeMessage = (time: MrtTime, message: MrtMessage): Uint8Array => {
  const { out, at } = begin(time, subtypeOf(message), message, message.asBytes, message.message.length);
  out.set(message.message, at);
  return out;
};

/** @returns a whole record, with microseconds */
export const writeStateChange = (time: MrtTime, change: MrtStateChange): Uint8Array => {
  const { out, at } = begin(time, MessageSubtype.stateChangeAs4, change, 4, 4);
  writeU16(out, writeU16(out, at, change.from), change.to);
  return out;
};

/** @returns a message or a change of state; undefined when it is neither @throws MrtError when it is cut */
export const readSessionRecord = (
  buffer: Uint8Array,
  { subtype, start, end }: MrtRecord,
): MrtMessage | MrtStateChange | undefined => {
  const isChange = subtype === MessageSubtype.stateChange || subtype === MessageSubtype.stateChangeAs4;
  const kind = MESSAGES.find(([known]) => known === subtype)?.[1];
  if (!isChange && kind === undefined) return undefined;
  const asBytes = kind?.asBytes ?? (subtype === MessageSubtype.stateChange ? 2 : 4);
  const { session, at } = readSession(buffer, start, end, asBytes);
  if (kind !== undefined) return { ...session, ...kind, message: buffer.slice(at, end) };
  if (end - at !== 4) throw new MrtError(`a change of state in ${end - at} bytes`);
  return { ...session, from: u16At(buffer, at), to: u16At(buffer, at + 2) };
};

const readSession = (
  buffer: Uint8Array,
  start: number,
  end: number,
  asBytes: 2 | 4,
): { readonly session: MrtSession; readonly at: number } => {
  const rest = start + 2 * asBytes;
  if (end - rest < 4) throw new MrtError('a record that is cut');
  const afi = u16At(buffer, rest + 2);
  if (afi !== 1 && afi !== 2) throw new MrtError(`addresses of family ${afi}`);
  const bytes = afi === 1 ? 4 : 16;
  const at = rest + 4 + 2 * bytes;
  if (at > end) throw new MrtError('a record that is cut');
  const asAt = (offset: number): number => (asBytes === 4 ? u32At(buffer, offset) : u16At(buffer, offset));
  return {
    session: {
      peerAs: asAt(start),
      localAs: asAt(start + asBytes),
      interfaceIndex: u16At(buffer, rest),
      peerAddress: buffer.slice(rest + 4, rest + 4 + bytes),
      localAddress: buffer.slice(rest + 4 + bytes, at),
    },
    at,
  };
};
