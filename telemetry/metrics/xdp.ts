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
    name: 'cloudbridge_xdp_checks_total',
    type: 'counter',
    unit: 'checks',
    labels: { kind: ['tcp', 'http', 'https', 'grpc', 'quic'], outcome: ['passed', 'failed', 'timed_out'] },
    help: 'Checks of backends that have ended, by their kind and how',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_checked_backends_count',
    type: 'gauge',
    unit: 'backends',
    labels: { health: ['unknown', 'up', 'down', 'held'] },
    help: 'Backends that are checked, by what checks say of them; held: their checks pass, but they fell too often',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_check_panics_total',
    type: 'counter',
    unit: 'panics',
    labels: {},
    help: 'How often a service began to use all its backends because checks found none well',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_xdp_panicking_services_count',
    type: 'gauge',
    unit: 'services',
    labels: {},
    help: 'Services that use all their backends now because checks find none well',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
