import { u32At, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { RtrErrorCode, remoteError } from '../errors.ts';
import { fieldAt, newPdu, PduType } from './pdu.ts';

/** RFC 8210 §5.11. */
export interface ErrorReport {
  /** A `RtrErrorCode`, or one that we do not know. */
  readonly code: number;
  readonly text: string;
}

/** Of the PDU that was wrong, as much is sent back: Error Reports apart, none that we know is longer than that. */
const MOST_RETURNED_BYTES = 128;
/** Of the text of a cache, as much is kept. */
const MOST_TEXT_BYTES = 512;
const HEAD_BYTES = 12;

/** @param pdu that was wrong; empty when none was */
export const writeErrorReport = (version: number, code: RtrErrorCode, pdu: Uint8Array, text: string): Uint8Array => {
  const returned = pdu.subarray(0, MOST_RETURNED_BYTES);
  // Texts of our own are ASCII.
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
  const out = newPdu(version, PduType.errorReport, code, HEAD_BYTES + returned.length + 4 + bytes.length);
  writeU32(out, 8, returned.length);
  out.set(returned, HEAD_BYTES);
  writeU32(out, HEAD_BYTES + returned.length, bytes.length);
  out.set(bytes, HEAD_BYTES + returned.length + 4);
  return out;
};

/** @throws RtrError when its lengths do not fit each other */
export const readErrorReport = (buffer: Uint8Array, at: number, length: number): ErrorReport => {
  const returned = length < HEAD_BYTES ? length : u32At(buffer, at + 8);
  const textAt = HEAD_BYTES + returned + 4;
  if (textAt > length || textAt + u32At(buffer, at + textAt - 4) !== length)
    throw remoteError(RtrErrorCode.corruptData, 'an Error Report whose lengths do not fit');
  const end = Math.min(length, textAt + MOST_TEXT_BYTES);
  let text = '';
  for (let i = textAt; i < end; i++) {
    const byte = buffer[at + i] as number;
    // Whatever is no plain character is not for a log.
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
  }
  return { code: fieldAt(buffer, at), text };
};
