import { exposition } from '#telemetry/exposition.ts';
import type { ServiceMetric } from '#telemetry/metrics/services.ts';
import type { MetricSpec } from '#telemetry/metrics.ts';
import { layOut, observe, type Series, slotIn } from '#telemetry/slots.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * The figures of one copy of a service. Whoever counts asks for its series once, at start, so that counting makes no labels.
 * Every series is there from the start: none comes with what callers send.
 */
export class Meter {
  readonly #series: readonly Series[];
  readonly #slots: Float64Array;

  constructor(rows: readonly MetricSpec[]) {
    const { series, length } = layOut(rows);
    this.#series = series;
    this.#slots = new Float64Array(length);
  }

  /** Adds to a counter or gauge, 1 unless told otherwise. @throws RangeError when there is no such series */
  adder(name: ServiceMetric, labels: Labels = {}): (count?: number) => void {
    const at = slotIn(this.#series, name, labels);
    return (count = 1) => {
      this.#slots[at]! += count;
    };
  }

  /** One adder for each value of a label. @throws RangeError when there is no such series */
  adders<V extends string>(
    name: ServiceMetric,
    label: string,
    values: readonly V[],
    others: Labels = {},
  ): Readonly<Record<V, (count?: number) => void>> {
    const entries = values.map((value) => [value, this.adder(name, { ...others, [label]: value })]);
    return Object.fromEntries(entries) as Record<V, (count?: number) => void>;
  }

  /** @throws RangeError when there is no such series */
  setter(name: ServiceMetric, labels: Labels = {}): (value: number) => void {
    const at = slotIn(this.#series, name, labels);
    return (value) => {
      this.#slots[at] = value;
    };
  }

  /** Of a histogram. @throws RangeError when there is no such series */
  observer(name: ServiceMetric, labels: Labels = {}): (value: number) => void {
    const at = slotIn(this.#series, name, labels);
    const buckets = this.#series.find((series) => series.at === at)?.spec.buckets;
    if (buckets === undefined) throw new RangeError(`${name} is no histogram`);
    return (value) => observe(this.#slots, at, buckets, value);
  }

  /** In the Prometheus text format. */
  text(): string {
    return exposition([this.#slots], this.#series);
  }
}
