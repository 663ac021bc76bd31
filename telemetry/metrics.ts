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
  readonly layer: 'host' | 'protocol' | 'dataplane' | 'control';
  /** Upper bounds of a histogram's buckets, ascending, without the last one that takes all. */
  readonly buckets?: readonly number[];
};

/** Every metric. A new one is a row; its types and its place in the shared counters follow. */
export const METRICS = [
  {
    name: 'cloudbridge_udp_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { direction: ['received', 'sent'] },
    help: 'UDP datagrams that went through our sockets; of a GSO or GRO burst each segment counts',
    layer: 'host',
  },
  {
    name: 'cloudbridge_udp_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: { direction: ['received', 'sent'] },
    help: 'Payload of those datagrams',
    layer: 'host',
  },
  {
    name: 'cloudbridge_udp_lost_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { reason: ['truncated', 'too_large', 'no_buffers', 'refused', 'not_permitted', 'unreachable', 'other'] },
    help: 'UDP datagrams that could not be sent or did not fit where they were received',
    layer: 'host',
  },
  {
    name: 'cloudbridge_host_fallbacks_count',
    type: 'gauge',
    unit: 'count',
    labels: { feature: ['gso', 'gro', 'vnet_hdr', 'receive_buffer', 'namespaces'] },
    help: 'Places that do without a feature of the machine which would be used if it were there',
    layer: 'host',
  },
  {
    name: 'cloudbridge_loop_delay_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: {},
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
    help: 'How late a thread came to what was due',
    layer: 'dataplane',
  },
] as const satisfies readonly MetricSpec[];

type Metric = (typeof METRICS)[number];
export type MetricName<T extends MetricSpec['type'] = MetricSpec['type']> = Extract<Metric, { type: T }>['name'];

type ValuesOf<L extends MetricSpec['labels']> = { readonly [K in keyof L]: L[K][number] };

/** The labels of one metric, each with one of its values. */
export type LabelsOf<N extends MetricName> = ValuesOf<Extract<Metric, { name: N }>['labels']>;
