import type { Choices } from './choices.ts';
import { EDGES, frame, MOST, prefixed, varint } from './encode.ts';
import { idsOf } from './rows.ts';
import type { Scene } from './scene.ts';

/** What a field means, which says what values are worth trying. */
type Kind =
  | 'any'
  | 'id'
  | 'size'
  | 'packet'
  | 'sequence'
  | 'prior'
  | 'cid'
  | 'token'
  | 'data8'
  | 'data'
  | 'rest'
  | 'ranges';

/** RFC 9000 §19, RFC 9221 §4, draft-ietf-quic-ack-frequency §4, §5. */
const SHAPES: readonly (readonly [type: number, ...fields: Kind[]])[] = [
  [0x00],
  [0x01],
  [0x02, 'packet', 'any', 'ranges'],
  [0x03, 'packet', 'any', 'ranges', 'any', 'any', 'any'],
  [0x04, 'id', 'any', 'size'],
  [0x05, 'id', 'any'],
  [0x06, 'size', 'data'],
  [0x07, 'data'],
  [0x0a, 'id', 'data'],
  [0x0b, 'id', 'data'],
  [0x08, 'id', 'rest'],
  [0x0e, 'id', 'size', 'data'],
  [0x0f, 'id', 'size', 'data'],
  [0x0d, 'id', 'size', 'rest'],
  [0x10, 'size'],
  [0x11, 'id', 'size'],
  [0x12, 'any'],
  [0x13, 'any'],
  [0x14, 'size'],
  [0x15, 'id', 'size'],
  [0x16, 'any'],
  [0x17, 'any'],
  [0x18, 'sequence', 'prior', 'cid', 'token'],
  [0x19, 'sequence'],
  [0x1a, 'data8'],
  [0x1b, 'data8'],
  [0x1c, 'any', 'any', 'data'],
  [0x1d, 'any', 'data'],
  [0x1e],
  [0x1f],
  [0x30, 'rest'],
  [0x31, 'data'],
  [0xaf, 'sequence', 'any', 'any', 'any'],
];

/** What ends the connection at once and is all that is wrong then: left out by who wants to go on for long. */
const ENDS: ReadonlySet<number> = new Set([0x1c, 0x1d]);
const GOES_ON = SHAPES.filter(([type]) => !ENDS.has(type));

const edge = (c: Choices): bigint => {
  const value = c.pick(EDGES) + BigInt(c.below(5)) - 2n;
  return value < 0n ? 0n : value > MOST ? MOST : value;
};

const number = (c: Choices): bigint => (c.below(2) === 0 ? BigInt(c.byte()) : edge(c));

/** Around what the defaults allow: 2^18 a stream, 2^20 a connection, 32 KiB of CRYPTO. */
const size = (c: Choices, { shift }: Scene): bigint => {
  const around = c.pick([0, 0, 0, 1 << 15, 1 << 18, 1 << 20, -1]);
  return around < 0 ? edge(c) : BigInt(Math.max(0, around - 8) + c.byte() * c.pick([1, 1, 64]) + 2 * shift);
};

const streamId = (c: Choices, { role, shift }: Scene): bigint => {
  const ids = idsOf(role);
  const kind = c.pick([ids.theirBidi, ids.theirUni, ids.ownBidi, ids.ownUni]);
  const which = c.below(12);
  return which < 8
    ? kind(which + shift)
    : which < 10
      ? kind(98 + c.below(4))
      : kind(2n ** 60n - 1n - BigInt(c.below(2)));
};

const packetNumber = (c: Choices, { victim }: Scene): bigint => {
  const next = victim.parts.recovery.sent(2).nextPacketNumber;
  return c.below(8) === 0 ? edge(c) : BigInt(Math.max(0, next - c.below(next + 3) + c.pick([0, 0, 0, 2])));
};

/** First Range and the rest of an ACK frame, some of which go below zero. */
const ranges = (c: Choices): number[] => {
  const count = c.pick([0, 0, 0, 1, 2, 40]);
  const claimed = c.below(16) === 0 ? edge(c) : BigInt(count);
  const each = () => (c.below(16) === 0 ? edge(c) : BigInt(c.below(3)));
  return [...varint(claimed), ...Array.from({ length: 1 + 2 * count }, () => varint(each())).flat()];
};

const fieldOf = (kind: Kind, c: Choices, scene: Scene): readonly number[] => {
  switch (kind) {
    case 'id':
      return varint(streamId(c, scene), c.pick([1, 1, 1, 8]));
    case 'size':
      return varint(size(c, scene));
    case 'packet':
      return varint(packetNumber(c, scene));
    case 'sequence':
      return varint(c.below(8) === 0 ? edge(c) : c.below(24) + scene.shift);
    case 'prior':
      return varint(c.pick([0, 0, 1, c.below(24) + scene.shift]));
    case 'cid': {
      const length = c.pick([8, 8, 8, 20, 1, 0, 21, 255]);
      return [length, ...c.bytes(Math.min(length, 21)).map((byte) => byte + scene.shift)];
    }
    case 'token':
      return [...c.bytes(16)];
    case 'data8':
      return [...c.bytes(8)];
    case 'data': {
      const bytes = c.bytes(c.pick([0, 1, 8, 30, 200]));
      return c.below(24) === 0 ? [...varint(edge(c)), ...bytes] : prefixed(bytes);
    }
    case 'rest':
      return [...c.bytes(c.below(30))];
    case 'ranges':
      return ranges(c);
    case 'any':
      return varint(number(c));
  }
};

const anyFrame = (c: Choices, scene: Scene): readonly number[] => {
  const how = c.below(32);
  if (how === 0) return [...c.bytes(c.below(20))];
  if (how === 1) return varint(edge(c), c.pick([1, 2, 8]));
  const [type, ...fields] = c.pick(c.below(16) === 0 ? SHAPES : GOES_ON);
  const bytes = [...frame(type), ...fields.flatMap((kind) => fieldOf(kind, c, scene))];
  return how === 2 ? bytes.slice(0, c.below(bytes.length + 1)) : bytes;
};

const MOST_BYTES = 1100;

/** The frames of one packet. @param most how many there are at most */
export const anyPayload = (c: Choices, scene: Scene, most = 4): Uint8Array => {
  const out: number[] = [];
  for (let frames = 1 + c.below(most); frames > 0; frames--) out.push(...anyFrame(c, scene));
  return Uint8Array.from(out.slice(0, MOST_BYTES));
};
