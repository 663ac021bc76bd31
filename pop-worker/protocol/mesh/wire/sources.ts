import { frameError } from '../errors.ts';
import type { Place } from './packet.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** An address with its prefix length. */
export interface SourcePrefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/** What a record of presence carries for data planes: where the session is, and which addresses it has. */
export interface DevicePlace extends Place {
  readonly sources: readonly SourcePrefix[];
  /** 0 to 511: of devices that have the same prefixes the lowest gets what is for them; undefined: others have not. */
  readonly rank?: number | undefined;
  /** Where its outside ports begin, where IPv4 is translated to such: address (a number) and first port. */
  readonly outside?: { readonly address: number; readonly port: number } | undefined;
}

/** Addresses of one device at most: its own of both families, and 64 networks behind it. */
export const MOST_SOURCES = 66;
const BYTES = 9 + 1 + MOST_SOURCES * 18 + 7 + 2;

/** @throws RangeError for more addresses than one record has room for */
export const writeDevicePlace = ({ thread, id, serial, sources, rank, outside }: DevicePlace): Uint8Array => {
  if (sources.length > MOST_SOURCES)
    throw new RangeError(`a device has ${sources.length} prefixes, ${MOST_SOURCES} at most`);
  const out = new Writer(BYTES).u8(thread).u32(id).u32(serial).u8(sources.length);
  for (const { address, length } of sources)
    out
      .u8(address.length === 4 ? 4 : 6)
      .u8(length)
      .bytes(address);
  out.u8(outside === undefined ? 0 : 1);
  if (outside !== undefined) out.u32(outside.address).u16(outside.port);
  if (rank !== undefined) out.u16(rank);
  return out.finish();
};

/** Whether no bit is set behind the prefix. */
const isClean = ({ address, length }: SourcePrefix): boolean =>
  address.every(
    (byte, i) => (byte & (0xff >>> Math.min(8, Math.max(0, length - 8 * i)))) === 0 || length >= 8 * (i + 1),
  );

/** @throws MeshError */
export const readDevicePlace = (reader: Reader): DevicePlace => {
  const place = { thread: reader.u8(), id: reader.u32(), serial: reader.u32() };
  const count = reader.u8();
  if (count > MOST_SOURCES) throw frameError(`a device has ${count} prefixes, ${MOST_SOURCES} at most`);
  const sources = Array.from({ length: count }, (): SourcePrefix => {
    const family = reader.u8();
    if (family !== 4 && family !== 6) throw frameError(`there is no address family ${family}`);
    const length = reader.u8();
    const address = reader.bytes(family === 4 ? 4 : 16).slice();
    if (length > 8 * address.length) throw frameError(`a prefix of ${length} bits is longer than its address`);
    const prefix = { address, length };
    if (!isClean(prefix)) throw frameError('a prefix has bits behind its length');
    return prefix;
  });
  const blocks = reader.u8();
  if (blocks > 1) throw frameError(`a device has ${blocks} blocks of outside ports, one at most`);
  const outside = blocks === 1 ? { address: reader.u32(), port: reader.u16() } : undefined;
  // Left out where there is none, which earlier releases read.
  const rank = reader.left > 0 ? reader.u16() : undefined;
  reader.done();
  return { ...place, sources, ...(rank !== undefined && { rank }), ...(outside && { outside }) };
};
