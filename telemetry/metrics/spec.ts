/** One metric: what `/metrics` shows, and what dashboards and alerts may name. */
export type MetricSpec = {
  /** `cloudbridge_<subsystem>_<what>_<unit>[_total]`, base units (seconds, bytes, ratio). Counters end in `_total`. */
  readonly name: `cloudbridge_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What one is: `bytes`, `seconds`, `datagrams`, … */
  readonly unit: string;
  /** Label names with all their values: nothing unbounded (addresses, users, sessions). sum() over them makes sense. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly help: string;
  /** Where it is counted. */
  readonly layer: 'host' | 'protocol' | 'dataplane' | 'control' | 'routing' | 'services';
  /** Upper bounds of a histogram's buckets, ascending, without the last one that takes all. */
  readonly buckets?: readonly number[];
};
