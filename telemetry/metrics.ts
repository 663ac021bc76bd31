import { ANYCAST_METRICS } from './metrics/anycast.ts';
import { BFD_METRICS } from './metrics/bfd.ts';
import { BGP_METRICS } from './metrics/bgp.ts';
import { BMP_METRICS } from './metrics/bmp.ts';
import { CONTROL_METRICS } from './metrics/control.ts';
import { DATAPLANE_METRICS } from './metrics/dataplane.ts';
import { DNS_METRICS } from './metrics/dns.ts';
import { HANDOFF_METRICS } from './metrics/handoff.ts';
import { HOST_METRICS } from './metrics/host.ts';
import { MESH_METRICS } from './metrics/mesh.ts';
import { MRT_METRICS } from './metrics/mrt.ts';
import { PROTOCOL_METRICS } from './metrics/protocol.ts';
import { PROXY_METRICS } from './metrics/proxy.ts';
import { ROUTING_METRICS } from './metrics/routing.ts';
import { RPKI_METRICS } from './metrics/rpki.ts';
import type { MetricSpec } from './metrics/spec.ts';
import { WIREGUARD_METRICS } from './metrics/wireguard.ts';
import { XDP_METRICS } from './metrics/xdp.ts';

export type { MetricSpec };

/** Every metric. A new one is a row in `metrics/`; its types and its place in the shared counters follow. */
export const METRICS = [
  ...HOST_METRICS,
  ...PROTOCOL_METRICS,
  ...DATAPLANE_METRICS,
  ...HANDOFF_METRICS,
  ...PROXY_METRICS,
  ...MESH_METRICS,
  ...CONTROL_METRICS,
  ...ANYCAST_METRICS,
  ...BFD_METRICS,
  ...BGP_METRICS,
  ...BMP_METRICS,
  ...RPKI_METRICS,
  ...MRT_METRICS,
  ...ROUTING_METRICS,
  ...DNS_METRICS,
  ...WIREGUARD_METRICS,
  ...XDP_METRICS,
] as const satisfies readonly MetricSpec[];

type Metric = (typeof METRICS)[number];
export type MetricName<T extends MetricSpec['type'] = MetricSpec['type']> = Extract<Metric, { type: T }>['name'];

type ValuesOf<L extends MetricSpec['labels']> = { readonly [K in keyof L]: L[K][number] };

/** The labels of one metric, each with one of its values. */
export type LabelsOf<N extends MetricName> = ValuesOf<Extract<Metric, { name: N }>['labels']>;

/** All values of one label, in the order of its row: whoever counts by them takes them from here. */
export const labelValues = <N extends MetricName, K extends keyof LabelsOf<N> & string>(
  name: N,
  label: K,
): readonly (LabelsOf<N>[K] & string)[] => {
  const specs: readonly MetricSpec[] = METRICS;
  const values = specs.find((metric) => metric.name === name)?.labels[label] ?? [];
  return values as readonly (LabelsOf<N>[K] & string)[];
};
