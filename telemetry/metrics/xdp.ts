import type { MetricSpec } from './spec.ts';

const OUTCOMES = [
  ...['passed', 'not_ip', 'allowed', 'drop_malformed', 'drop_martian', 'drop_fragment', 'drop_options'],
  ...['drop_denied', 'drop_limited', 'balanced', 'answered_echo', 'answered_too_big', 'drop_too_big'],
  ...['drop_no_backend', 'drop_no_room', 'drop_service_fragment'],
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
    name: 'cloudbridge_xdp_listed_prefixes',
    type: 'gauge',
    unit: 'prefixes',
    labels: {},
    help: 'Sources that are allowed or denied by a list',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_balanced_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { choice: ['known', 'new', 'moved', 'unkept', 'named', 'unnamed', 'nobody'] },
    help: 'Packets to services, by why they went to the backend that they went to',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_balance_connections_count',
    type: 'gauge',
    unit: 'connections',
    labels: { state: ['confirmed', 'unconfirmed'] },
    help: 'Connections in the table of the balancer; of an unconfirmed one a single packet was seen',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_balance_services_count',
    type: 'gauge',
    unit: 'services',
    labels: {},
    help: 'Services that are balanced',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_balance_backends_count',
    type: 'gauge',
    unit: 'backends',
    labels: { state: ['up', 'draining', 'down'] },
    help: 'Backends of all services, by what they are there for',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_samples_total',
    type: 'counter',
    unit: 'samples',
    labels: { fate: ['taken', 'lost'] },
    help: 'Packets that were sampled; lost: there was no room for the sample',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_attacks_total',
    type: 'counter',
    unit: 'attacks',
    labels: {
      kind: ['syn', 'reflection', 'initial', 'dns', 'icmp', 'volumetric', 'above-baseline', 'carpet'],
    },
    help: 'Attacks that were found in samples, by what they are',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_attacks_count',
    type: 'gauge',
    unit: 'attacks',
    labels: {},
    help: 'Attacks that are on',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_watched_targets',
    type: 'gauge',
    unit: 'targets',
    labels: { scope: ['target', 'network'] },
    help: 'Addresses and networks whose packets detectors tell apart',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
