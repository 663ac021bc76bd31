import { frameError } from '../errors.ts';
import { FRAME_HEADER_BYTES, FrameType, MOST_FRAME_BYTES } from './frame.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** RELAY: a frame from one member to another, through whoever gets this. */
export interface Relay {
  readonly from: number;
  readonly to: number;
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 5;
/** Bytes of a payload that can still be relayed. */
export const MOST_RELAYED_BYTES = MOST_FRAME_BYTES - HEADER_BYTES - FRAME_HEADER_BYTES;

export const writeRelay = ({ from, to, type, payload }: Relay): Uint8Array =>
  new Writer(MOST_FRAME_BYTES).u16(from).u16(to).u8(type).bytes(payload).finish();

const MAY_BE_RELAYED: readonly number[] = [FrameType.update, FrameType.confirm];

/** The payload is lent. @throws MeshError */
export const readRelay = (reader: Reader): Relay => {
  const [from, to, type] = [reader.u16(), reader.u16(), reader.u8()];
  if (from === 0 || to === 0 || from === to) throw frameError('a RELAY is not from one member to another');
  if (!MAY_BE_RELAYED.includes(type))
    throw frameError(`a RELAY carries a frame of type ${type}, which goes directly only`);
  return { from, to, type: type as FrameType, payload: reader.bytes(reader.left) };
};
