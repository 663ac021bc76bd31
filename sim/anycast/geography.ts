import type { SeededRandom } from '#protocol/quic/testing/random.ts';

/** Somewhere, in milliseconds of light and fibre from two edges of the world. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const WIDTH_MS = 50;
const HEIGHT_MS = 30;
/** Even next door a packet takes so long. */
const LEAST_MS = 1;

export const somewhere = (random: SeededRandom): Point => ({
  x: random.next() * WIDTH_MS,
  y: random.next() * HEIGHT_MS,
});

/** One way, in microseconds. */
export const oneWayUs = (a: Point, b: Point): number => 1000 * (LEAST_MS + Math.hypot(a.x - b.x, a.y - b.y));

/** Nothing is farther, one way. */
export const FARTHEST_US = oneWayUs({ x: 0, y: 0 }, { x: WIDTH_MS, y: HEIGHT_MS });
