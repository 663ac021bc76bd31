import { type LabelsOf, METRICS, type MetricName, type MetricSpec } from './metrics.ts';

/**
 * Counters that threads share: each thread writes a block of its own (one writer, no atomics), anyone reads all blocks.
 * A slot is a Float64, exact up to 2^53. Where each series lies follows from the table of metrics alone.
 */
export type Slots = Float64Array<SharedArrayBuffer>;

export type Series = {
  readonly spec: MetricSpec;
  readonly labels: Readonly<Record<string, string>>;
  readonly at: number;
};

const combinations = (labels: MetricSpec['labels']): Record<string, string>[] =>
  Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );

/** A histogram has a slot for each bucket, for what is above the last, and for the sum. */
const slotsEach = ({ buckets }: MetricSpec): number => (buckets === undefined ? 1 : buckets.length + 2);

/** Every series in the order of the table, and how many slots they take. */
export const layOut = (
  specs: readonly MetricSpec[],
): { readonly series: readonly Series[]; readonly length: number } => {
  const series: Series[] = [];
  let at = 0;
  for (const spec of specs) {
    for (const labels of combinations(spec.labels)) {
      series.push({ spec, labels, at });
      at += slotsEach(spec);
    }
  }
  return { series, length: at };
};

export const LAYOUT = layOut(METRICS);

/** One thread's block; the buffer goes to the thread, `new Float64Array(buffer)` is its view. */
export const allocateSlots = (): Slots => new Float64Array(new SharedArrayBuffer(8 * LAYOUT.length));

/** Where a series of a table lies. Throws on labels that are not of the table. */
export const slotIn = (table: readonly Series[], name: string, labels: Readonly<Record<string, unknown>>): number => {
  const found = table.find(
    (series) =>
      series.spec.name === name && Object.entries(series.labels).every(([key, value]) => labels[key] === value),
  );
  if (found === undefined) throw new RangeError(`${name} has no series ${JSON.stringify(labels)}.`);
  return found.at;
};

/** Where a worker's series lies: asked once, at start, so that counting is `slots[at] += n`. */
export const slotOf = <N extends MetricName>(name: N, labels: LabelsOf<N>): number =>
  slotIn(LAYOUT.series, name, labels);

/** Adds one observation to the histogram that lies at `at`; `buckets` are those of its row. */
export const observe = (slots: Float64Array, at: number, buckets: readonly number[], value: number): void => {
  let bucket = 0;
  while (bucket < buckets.length && value > buckets[bucket]!) bucket++;
  slots[at + bucket]! += 1;
  slots[at + buckets.length + 1]! += value;
};
