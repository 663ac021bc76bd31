/** Who says what and when. Whoever speaks goes on for eight seconds at least, as one packet alone may get lost on any path. */
export interface Pattern {
  readonly name: string;
  /** The sides that speak; `either`: one of the two, by chance, in each stretch of the pattern. */
  readonly speakers: 'both' | 'either' | 'none';
  /** Seconds from one packet to the next while it speaks. */
  readonly paceS?: readonly [number, number];
  /** For how long it speaks, and is silent after; without: all the time. Seconds. */
  readonly speaksS?: readonly [number, number];
  readonly pausesS?: readonly [number, number];
  /** One side sends persistent keepalives. */
  readonly isKeptAlive?: boolean;
  readonly seconds: readonly [number, number];
}

const RARELY = { paceS: [0.3, 0.6], speaksS: [8, 12] } as const;

export const PATTERNS = {
  steady: { name: 'steady', speakers: 'both', paceS: [0.3, 0.6], seconds: [900, 3600] },
  silent: { name: 'silent', speakers: 'none', seconds: [3600, 10_800] },
  bursts: {
    ...{ name: 'bursts', speakers: 'both', seconds: [900, 3600] },
    ...{ paceS: [0.02, 0.04], speaksS: [8, 10], pausesS: [60, 300] },
  },
  oneSided: { name: 'oneSided', speakers: 'either', paceS: [0.3, 0.6], seconds: [900, 3600] },
  rare: { name: 'rare', speakers: 'both', ...RARELY, pausesS: [90, 700], seconds: [1800, 5400] },
  keptAlive: {
    ...{ name: 'keptAlive', speakers: 'either', isKeptAlive: true, seconds: [1800, 5400] },
    ...{ ...RARELY, pausesS: [400, 1200] },
  },
} as const satisfies Record<string, Pattern>;
export type PatternName = keyof typeof PATTERNS;
