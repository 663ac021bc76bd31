import type { Reader } from '../reader.ts';
import { prefixedRoom, varintLength, writeVarint } from '../varint.ts';
import { FrameType } from './frame-type.ts';
import type { FrameSink } from './sink.ts';

/** CONNECTION_CLOSE (RFC 9000 §19.19). */
export const parseConnectionClose = (reader: Reader, type: number, sink: FrameSink): void => {
  const application = type === FrameType.connectionCloseApplication;
  const code = reader.code();
  const frameType = application ? 0 : reader.varint();
  const length = reader.varint();
  const start = reader.skip(length);
  sink.connectionClose(application, code, frameType, reader.buffer, start, start + length);
};

/**
 * Writes the frame before `end`; a reason that does not fit is cut, between characters.
 *
 * @param frameType of the frame at fault, 0 when unknown; ignored when `application`
 * @param reason UTF-8
 * @returns the offset behind it; `at` itself when it does not fit even without a reason
 */
export const writeConnectionClose = (
  buf: Uint8Array,
  at: number,
  end: number,
  application: boolean,
  code: number,
  frameType: number,
  reason: Uint8Array,
): number => {
  const fixed = 1 + varintLength(code) + (application ? 0 : varintLength(frameType));
  const room = prefixedRoom(end - at - fixed);
  if (room < 0) return at;
  const reasonBytes = cutUtf8(reason, room);
  buf[at] = application ? FrameType.connectionCloseApplication : FrameType.connectionClose;
  let next = writeVarint(buf, at + 1, code);
  if (!application) next = writeVarint(buf, next, frameType);
  next = writeVarint(buf, next, reasonBytes);
  buf.set(reason.subarray(0, reasonBytes), next);
  return next + reasonBytes;
};

/** The largest number of bytes, at most `room`, that does not end inside a character. */
const cutUtf8 = (text: Uint8Array, room: number): number => {
  let length = Math.min(room, text.length);
  while (length > 0 && ((text[length] ?? 0) & 0xc0) === 0x80) length--;
  return length;
};
