import assert from 'node:assert/strict';
import { QuicError } from '../../errors.ts';
import { parseFrames } from '../frames/parse.ts';
import { PacketType } from '../packet/packet-type.ts';
import { Reader } from '../reader.ts';
import { unhex } from './hex.ts';
import { type FrameEvent, RecordingSink } from './recording-sink.ts';

/** Bytes on both sides of the payload, so that a read outside of it does not go unseen. */
const MARGIN = 16;

/** The bytes in the middle of a larger buffer of 0xee. */
export const embed = (bytes: Uint8Array): { buffer: Uint8Array; start: number; end: number } => {
  const buffer = new Uint8Array(bytes.length + 2 * MARGIN).fill(0xee);
  buffer.set(bytes, MARGIN);
  return { buffer, start: MARGIN, end: MARGIN + bytes.length };
};

export interface Parsed {
  readonly events: FrameEvent[];
  readonly content: number;
}

export const parsePayload = (payload: Uint8Array | string, type: PacketType = PacketType.oneRtt): Parsed => {
  const { buffer, start, end } = embed(typeof payload === 'string' ? unhex(payload) : payload);
  const sink = new RecordingSink();
  const content = parseFrames(new Reader().reset(buffer, start, end), type, sink);
  return { events: sink.events, content };
};

/** What was thrown, which must be the peer's fault. */
export const remoteFault = (act: () => unknown): QuicError => {
  try {
    act();
  } catch (error) {
    assert(error instanceof QuicError, String(error));
    assert.equal(error.fault, 'remote');
    return error;
  }
  assert.fail('nothing was thrown');
};

/** Writes into a buffer of 0xee and checks that nothing was touched outside of [start, what the writer returned). */
export const written = (write: (buf: Uint8Array, at: number) => number, room = 4096): Uint8Array => {
  const buffer = new Uint8Array(room + 2 * MARGIN).fill(0xee);
  const end = write(buffer, MARGIN);
  assert(buffer.subarray(0, MARGIN).every((byte) => byte === 0xee));
  assert(buffer.subarray(end).every((byte) => byte === 0xee));
  return buffer.slice(MARGIN, end);
};
