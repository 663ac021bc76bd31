import type { MetricSpec } from './metrics.ts';
import { LAYOUT, type Series } from './slots.ts';

// Prometheus text format 0.0.4: backslash and line feed are escaped everywhere, quotes in label values.
const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

const labelText = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

/** A slot over all threads. */
const total = (threads: readonly Float64Array[], at: number): number =>
  threads.reduce((sum, slots) => sum + slots[at]!, 0);

const histogramLines = (
  { spec, labels, at }: Series,
  buckets: readonly number[],
  threads: readonly Float64Array[],
): string[] => {
  let count = 0;
  const lines = [...buckets, '+Inf'].map((bound, i) => {
    count += total(threads, at + i);
    return `${spec.name}_bucket${labelText({ ...labels, le: `${bound}` })} ${count}`;
  });
  const sum = total(threads, at + buckets.length + 1);
  return [...lines, `${spec.name}_sum${labelText(labels)} ${sum}`, `${spec.name}_count${labelText(labels)} ${count}`];
};

const seriesLines = (series: Series, threads: readonly Float64Array[]): string[] => {
  const { buckets } = series.spec;
  if (buckets !== undefined) return histogramLines(series, buckets, threads);
  return [`${series.spec.name}${labelText(series.labels)} ${total(threads, series.at)}`];
};

const headLines = ({ name, help, type }: MetricSpec): string[] => [
  `# HELP ${name} ${escapeHelp(help)}`,
  `# TYPE ${name} ${type}`,
];

/** What `/metrics` answers: the sum of all threads' slots in the Prometheus text format 0.0.4. */
export const exposition = (threads: readonly Float64Array[], series: readonly Series[] = LAYOUT.series): string => {
  const lines: string[] = [];
  let before: MetricSpec | undefined;
  for (const one of series) {
    if (one.spec !== before) lines.push(...headLines(one.spec));
    before = one.spec;
    lines.push(...seriesLines(one, threads));
  }
  return `${lines.join('\n')}\n`;
};
