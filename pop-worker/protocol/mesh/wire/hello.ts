import { frameError, MeshError, MeshErrorCode } from '../errors.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Versions that we speak, oldest and newest. */
export const OLDEST_VERSION = 1;
export const NEWEST_VERSION = 3;
/** Members tell each other filters of IPv6 from this version on. */
export const FILTERS_VERSION = 2;
/** From this one on members tell which prefixes they announce. */
export const PREFIXES_VERSION = 2;
/** What a record of presence carries may change, without a move, from this one on. */
export const REVISIONS_VERSION = 3;

/** Where a worker is handed packets of its connections that reached another one (`../../handoff/SPEC.md`). */
export interface HandoffPlace {
  /** Of its first data-plane thread; the next ones have the ports behind it. */
  readonly port: number;
  readonly threads: number;
  /** It answers what it is asked about datagrams that it is handed. */
  readonly answers?: boolean;
}

const MOST_THREADS = 64;
/** Flags behind the place. */
const ANSWERS = 1;

/** The first frame of each side on a link. What follows in it is for later versions and not read. */
export interface Hello {
  readonly oldest: number;
  readonly newest: number;
  readonly member: number;
  /** Grows with each start of the worker. */
  readonly incarnation: number;
  /** At the address that the link leads to; absent: nowhere. */
  readonly handoff?: HandoffPlace | undefined;
}

export const writeHello = ({ oldest, newest, member, incarnation, handoff }: Hello): Uint8Array => {
  const out = new Writer(16).u8(oldest).u8(newest).u16(member).u48(incarnation);
  if (handoff !== undefined) out.u16(handoff.port).u8(handoff.threads);
  if (handoff?.answers === true) out.u8(ANSWERS);
  return out.finish();
};

const readHandoff = (reader: Reader): HandoffPlace | undefined => {
  if (reader.left < 3) return undefined;
  const place = { port: reader.u16(), threads: reader.u8() };
  if (place.threads === 0 || place.threads > MOST_THREADS || place.port === 0 || place.port + place.threads > 65_536)
    throw frameError('a HELLO names ports for packets that cannot be');
  return reader.left > 0 && (reader.u8() & ANSWERS) !== 0 ? { ...place, answers: true } : place;
};

/** @throws MeshError */
export const readHello = (reader: Reader): Hello => {
  const head = { oldest: reader.u8(), newest: reader.u8(), member: reader.u16(), incarnation: reader.u48() };
  const handoff = readHandoff(reader);
  const hello = { ...head, ...(handoff && { handoff }) };
  if (hello.oldest === 0 || hello.oldest > hello.newest) throw frameError('a HELLO has no versions');
  if (hello.member === 0) throw frameError('a HELLO names member 0, which there is not');
  return hello;
};

/** The version that both speak, the newest of them. @throws MeshError when there is none */
export const commonVersion = ({ oldest, newest }: Pick<Hello, 'oldest' | 'newest'>): number => {
  const version = Math.min(newest, NEWEST_VERSION);
  if (version >= Math.max(oldest, OLDEST_VERSION)) return version;
  const [ours, theirs] = [`${OLDEST_VERSION} to ${NEWEST_VERSION}`, `${oldest} to ${newest}`];
  const message = `the other worker speaks versions ${theirs} of the mesh, this one ${ours}: bring both to one release`;
  throw new MeshError(MeshErrorCode.version, 'remote', message);
};
