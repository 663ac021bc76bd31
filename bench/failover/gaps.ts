import type { Arrivals } from './order.ts';

/** Shorter ones are no gaps. */
const LEAST_MS = 15;

/** Notes when packets of a stream come. */
export class ArrivalLog implements Arrivals {
  first = 0;
  last = 0;
  count = 0;
  readonly gaps: [from: number, to: number][] = [];

  take(now: number): void {
    if (this.count++ === 0) this.first = now;
    else if (now - this.last >= LEAST_MS) this.gaps.push([this.last, now]);
    this.last = now;
  }
}

/** Whether packets came when something was about to happen to them: not longer ago than `patienceMs`. */
export const wasFlowing = (arrivals: Arrivals | undefined, at: number, patienceMs: number): boolean => {
  if (arrivals === undefined || arrivals.count === 0 || arrivals.first > at) return false;
  const around = arrivals.gaps.find(([from, to]) => from <= at && to > at);
  const before = around === undefined ? Math.min(arrivals.last, at) : around[0];
  return at - before <= patienceMs;
};

/** The longest time without a packet that ends after `from`, up to `until` where none came any more; in ms. */
export const longestGap = ({ gaps, last }: Arrivals, from: number, until: number): number =>
  Math.max(until - Math.min(last, until), 0, ...gaps.filter(([, to]) => to > from).map(([begin, to]) => to - begin));

/** The smallest value that so large a share of all does not exceed. @param share from 0 to 1 */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
};
