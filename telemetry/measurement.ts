/** What a figure is held against. */
export type Bar = { readonly atMost: number } | { readonly atLeast: number };

/** One figure as the code that measured it states it. */
export type Measurement = {
  readonly metric: string;
  readonly value: number;
  /** `ms`, `us`, `Mbit/s`, `bytes`, `count`, `ratio`, …: the unit of value, min, max and bar. */
  readonly unit: string;
  /** Whose figure it is; absent: ours. */
  readonly peer?: string;
  readonly runs?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bar?: Bar;
};

/** Where a figure belongs: `up`, `bench`, `interop` and `sim` all have suites of cases. */
export type CaseName = { readonly suite: string; readonly case: string };

/** One line of `up --once`, `bench`, `interop` and `sim` with `--json`. `pass` is there only where `bar` is. */
export type MetricLine = CaseName & {
  readonly metric?: string;
  readonly value?: number;
  readonly unit?: string;
  readonly peer?: string;
  readonly runs?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bar?: number;
  readonly pass?: boolean;
  /** Why the case could not run here. */
  readonly skipped?: string;
};

export const meetsBar = (value: number, bar: Bar): boolean =>
  'atMost' in bar ? value <= bar.atMost : value >= bar.atLeast;

export const toMetricLine = (name: CaseName, measurement: Measurement): MetricLine => {
  const { bar, ...rest } = measurement;
  const line = { suite: name.suite, case: name.case, ...rest };
  if (bar === undefined) return line;
  return { ...line, bar: 'atMost' in bar ? bar.atMost : bar.atLeast, pass: meetsBar(measurement.value, bar) };
};

/** Several runs of one figure as one: the median, with the extremes beside it. */
export const summarise = (runs: readonly Measurement[]): Measurement => {
  const [first] = runs;
  if (first === undefined) throw new RangeError('Nothing was measured.');
  if (runs.length === 1) return first;
  const values = runs.map(({ value }) => value).sort((a, b) => a - b);
  const middle = values.length >> 1;
  const median = values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
  return { ...first, value: median, runs: runs.length, min: values[0]!, max: values.at(-1)! };
};
