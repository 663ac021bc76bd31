import { MAX_CID_BYTES } from '../packet/version.ts';
import type { Reader } from '../reader.ts';
import { varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** Bytes of a stateless reset token (RFC 9000 §10.3). */
export const RESET_TOKEN_BYTES = 16;

/** NEW_CONNECTION_ID (RFC 9000 §19.15). */
export const parseNewConnectionId = (reader: Reader, _type: number, sink: FrameSink): void => {
  const sequence = reader.varint();
  const retirePriorTo = reader.varint();
  const length = reader.u8();
  if (length < 1 || length > MAX_CID_BYTES) throw reader.error('connection ID of invalid length');
  const cidStart = reader.skip(length);
  const tokenStart = reader.skip(RESET_TOKEN_BYTES);
  if (retirePriorTo > sequence) throw reader.error('Retire Prior To beyond the sequence number');
  sink.newConnectionId(sequence, retirePriorTo, reader.buffer, cidStart, tokenStart, tokenStart);
};

export const newConnectionIdLength = (sequence: number, retirePriorTo: number, cidBytes: number): number =>
  2 + varintLength(sequence) + varintLength(retirePriorTo) + cidBytes + RESET_TOKEN_BYTES;

/** @param cid 1 to 20 bytes @param token 16 bytes */
export const writeNewConnectionId = (
  buf: Uint8Array,
  at: number,
  sequence: number,
  retirePriorTo: number,
  cid: Uint8Array,
  token: Uint8Array,
): number => {
  buf[at] = FrameType.newConnectionId;
  let next = writeVarint(buf, at + 1, sequence);
  next = writeVarint(buf, next, retirePriorTo);
  buf[next++] = cid.length;
  buf.set(cid, next);
  next += cid.length;
  buf.set(token, next);
  return next + RESET_TOKEN_BYTES;
};
