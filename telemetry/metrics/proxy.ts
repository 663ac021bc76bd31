import type { MetricSpec } from './spec.ts';

/** Tunnels to single targets (CONNECT-UDP, CONNECT). */
export const PROXY_METRICS = [
  {
    name: 'cloudbridge_proxy_tunnels_count',
    type: 'gauge',
    unit: 'count',
    labels: { kind: ['udp', 'tcp'] },
    help: 'Open tunnels to single targets (CONNECT-UDP, CONNECT)',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_refused_tunnels_total',
    type: 'counter',
    unit: 'tunnels',
    labels: { reason: ['token', 'no_egress', 'limit', 'destination', 'name', 'no_tun'] },
    help: 'Tunnels to single targets that were refused before anything was opened; no_tun: CONNECT-IP without a TUN',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_lost_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { reason: ['foreign', 'too_large', 'not_sent'] },
    help: 'Datagrams of CONNECT-UDP that came from elsewhere than the target, or went nowhere',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_unopened_sockets_total',
    type: 'counter',
    unit: 'sockets',
    labels: { reason: ['limit', 'internal'] },
    help: 'Sockets for CONNECT-UDP that did not open: no descriptors or memory left, or the machine does not let us',
    layer: 'dataplane',
  },
] as const satisfies readonly MetricSpec[];
