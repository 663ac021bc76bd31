import type { MetricSpec } from './spec.ts';

const OUTCOMES = [
  ...['passed', 'not_ip', 'allowed', 'drop_malformed', 'drop_martian', 'drop_fragment', 'drop_options'],
  ...['drop_denied', 'drop_limited'],
] as const;

/** What comes in by an interface, as XDP judges it. */
export const XDP_METRICS = [
  {
    name: 'cloudbridge_xdp_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { outcome: OUTCOMES },
    help: 'Frames that came, by what became of them before the kernel saw them',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: { outcome: OUTCOMES },
    help: 'Bytes of these frames',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_listed_count',
    type: 'gauge',
    unit: 'prefixes',
    labels: {},
    help: 'Sources that are allowed or denied by a list',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
