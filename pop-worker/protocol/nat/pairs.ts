/**
 * A device's IPv6 address and one outside that it talks to, as workers tell each other of them: 6 (1 byte), state (1), the
 * device's address (16), the other (16). What stands in front is as of sessions of IPv4 (`wire.ts`), without an outside address.
 */
export const PAIR_BYTES = 34;
const FAMILY = 6;
/** Words of both addresses. */
export const PAIR_WORDS = 8;

/** What passed between the two: it says for how long they may be silent. */
export const PairState = { over: 0, other: 1, tcp: 2 } as const;
export type PairState = (typeof PairState)[keyof typeof PairState];

const put32 = (bytes: Uint8Array, at: number, word: number): void => {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
};

/** @param words big-endian, `PAIR_WORDS` from `from` on @param bytes takes `PAIR_BYTES` */
export const writePair = (bytes: Uint8Array, state: PairState, words: Uint32Array, from: number): void => {
  bytes[0] = FAMILY;
  bytes[1] = state;
  for (let i = 0; i < PAIR_WORDS; i++) put32(bytes, 2 + 4 * i, words[from + i] as number);
};

/** @param words takes both addresses @returns the state; `over` for what is no pair */
export const readPair = (buffer: Uint8Array, at: number, words: Uint32Array): PairState => {
  const state = buffer[at + 1] as number;
  if (buffer[at] !== FAMILY || (state !== PairState.other && state !== PairState.tcp)) return PairState.over;
  for (let i = 0; i < PAIR_WORDS; i++) {
    const from = at + 2 + 4 * i;
    words[i] =
      ((buffer[from] as number) << 24) |
      ((buffer[from + 1] as number) << 16) |
      ((buffer[from + 2] as number) << 8) |
      (buffer[from + 3] as number);
  }
  return state;
};
