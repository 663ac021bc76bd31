import { type LabelsOf, METRICS, type MetricName, type MetricSpec } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';

const SPECS: readonly MetricSpec[] = METRICS;

/** The metrics that have exactly one label, and their values. */
type Values<N extends MetricName, K extends keyof LabelsOf<N>> = LabelsOf<N>[K] & string;

/** Slots of the series of a metric without labels. */
export const single = <N extends MetricName>(name: N): number => slotOf(name, {} as LabelsOf<N>);

/** Slots of all series of a metric by the values of its only label. */
export const byLabel = <N extends MetricName, K extends keyof LabelsOf<N> & string>(
  name: N,
  label: K,
): Readonly<Record<Values<N, K>, number>> => {
  const values = SPECS.find((metric) => metric.name === name)?.labels[label] ?? [];
  const entries = values.map((value) => [value, slotOf(name, { [label]: value } as unknown as LabelsOf<N>)]);
  return Object.fromEntries(entries) as Readonly<Record<Values<N, K>, number>>;
};
