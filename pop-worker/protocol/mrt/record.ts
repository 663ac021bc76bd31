import { u16At, u32At, writeU16, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { MrtError } from './errors.ts';

/** RFC 6396 §4; with microseconds: §3. */
export const MrtType = { tableDumpV2: 13, bgp4mp: 16, bgp4mpEt: 17 } as const;

export const HEADER_BYTES = 12;
/** Of what a header says. More is in no record that we know: a prefix of 65,535 paths with 4 KiB of attributes each is not told. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Time of a record, since 1970. */
export interface MrtTime {
  readonly seconds: number;
  readonly microseconds: number;
}

/** A record: its head, and where in the buffer the rest is (RFC 6396 §2). */
export interface MrtRecord {
  readonly time: MrtTime;
  readonly type: number;
  readonly subtype: number;
  readonly start: number;
  readonly end: number;
}

/** Writes the head of a record whose message is behind it. @returns the offset behind the head */
export const writeHeader = (
  buffer: Uint8Array,
  at: number,
  seconds: number,
  type: number,
  subtype: number,
  length: number,
): number => writeU32(buffer, writeU16(buffer, writeU16(buffer, writeU32(buffer, at, seconds), type), subtype), length);

/** @returns the record that begins at `at`; undefined when not all of it is there @throws MrtError when it is too long */
export const readRecord = (buffer: Uint8Array, at: number, end: number): MrtRecord | undefined => {
  if (end - at < HEADER_BYTES) return undefined;
  const length = u32At(buffer, at + 8);
  if (length > MAX_RECORD_BYTES) throw new MrtError(`a record of ${length} bytes`);
  const start = at + HEADER_BYTES;
  if (end - start < length) return undefined;
  const type = u16At(buffer, at + 4);
  const hasMicroseconds = type === MrtType.bgp4mpEt;
  if (hasMicroseconds && length < 4) throw new MrtError('a record without its microseconds');
  return {
    time: { seconds: u32At(buffer, at), microseconds: hasMicroseconds ? u32At(buffer, start) : 0 },
    type,
    subtype: u16At(buffer, at + 6),
    start: hasMicroseconds ? start + 4 : start,
    end: start + length,
  };
};
