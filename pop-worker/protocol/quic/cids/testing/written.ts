import type { FrameLog } from '../../streams/frame-log.ts';
import { ArrayLog } from '../../streams/testing/log.ts';

interface Writer {
  writeFrames(buffer: Uint8Array, at: number, end: number, log: FrameLog): number;
}

export const cid = (n: number): Uint8Array => Uint8Array.of(0xc0, n >> 8, n & 0xff, 7);
export const token = (n: number): Uint8Array => new Uint8Array(16).fill(n);

/** What a PROTOCOL_VIOLATION of the peer looks like. */
export const violation = { code: 0x0a, fault: 'remote' };

/** Lets it write into so much room. @returns kinds and numbers of the frames, and their bytes */
export const written = (part: Writer, room = 1000): { kinds: number[]; sequences: number[]; bytes: Uint8Array } => {
  const buffer = new Uint8Array(room);
  const log = new ArrayLog();
  const end = part.writeFrames(buffer, 0, room, log);
  return {
    kinds: log.frames.map(([kind]) => kind),
    sequences: log.frames.map(([, sequence]) => sequence),
    bytes: buffer.subarray(0, end),
  };
};
