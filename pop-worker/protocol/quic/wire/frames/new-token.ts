import type { Reader } from '../reader.ts';
import { varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** NEW_TOKEN (RFC 9000 §19.7). */
export const parseNewToken = (reader: Reader, _type: number, sink: FrameSink): void => {
  const length = reader.varint();
  if (length === 0) throw reader.error('empty NEW_TOKEN');
  const start = reader.skip(length);
  sink.newToken(reader.buffer, start, start + length);
};

export const newTokenLength = (tokenBytes: number): number => 1 + varintLength(tokenBytes) + tokenBytes;

/** @param token not empty */
export const writeNewToken = (buf: Uint8Array, at: number, token: Uint8Array): number => {
  buf[at] = FrameType.newToken;
  const next = writeVarint(buf, at + 1, token.length);
  buf.set(token, next);
  return next + token.length;
};
