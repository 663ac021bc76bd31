import { type LabelsOf, labelValues, type MetricName } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';

/** The metrics that have exactly one label, and their values. */
type Values<N extends MetricName, K extends keyof LabelsOf<N>> = LabelsOf<N>[K] & string;

/** Slots of the series of a metric without labels. */
export const single = <N extends MetricName>(name: N): number => slotOf(name, {} as LabelsOf<N>);

/** Slots of all series of a metric by the values of its only label. */
export const byLabel = <N extends MetricName, K extends keyof LabelsOf<N> & string>(
  name: N,
  label: K,
): Readonly<Record<Values<N, K>, number>> => {
  const entries = labelValues(name, label).map((value) => [
    value,
    slotOf(name, { [label]: value } as unknown as LabelsOf<N>),
  ]);
  return Object.fromEntries(entries) as Readonly<Record<Values<N, K>, number>>;
};

/** Brings the series of a metric up to date with counters that are named as its label's values. */
export const collectAll = <K extends string>(
  slots: Float64Array,
  series: Readonly<Record<K, number>>,
  counters: Readonly<Record<K, number>>,
): void => {
  for (const name of Object.keys(series) as K[]) slots[series[name]] = counters[name];
};
