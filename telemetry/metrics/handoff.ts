import type { MetricSpec } from './spec.ts';

/** Packets that reached a worker that does not have their connection; `protocol/handoff/counters.ts` says what each reason is. */
export const HANDOFF_METRICS = [
  {
    name: 'cloudbridge_handoff_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { direction: ['sent', 'received'] },
    help: 'Datagrams of connections that another worker has, handed to it or by it',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_handoff_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: { direction: ['sent', 'received'] },
    help: 'Bytes of these datagrams, without what they are sealed in',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_handoff_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { direction: ['sent', 'received'] },
    help: 'Packets between workers: two for a datagram that does not fit one',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_handoff_unsent_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: {
      reason: [
        'source_budget',
        'rate_cap',
        'no_key',
        'not_sent',
        'too_large',
        'mixed_family',
        'dead',
        'no_peer',
        'second_hop',
      ],
    },
    help: 'Datagrams of other workers’ connections that were not handed to them',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_handoff_refused_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: {
      reason: ['malformed', 'unknown_peer', 'unknown_key', 'forged', 'replayed', 'unjoined', 'congested'],
    },
    help: 'Packets of other workers that came to nothing',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_handoff_resets_total',
    type: 'counter',
    unit: 'resets',
    labels: {},
    help: 'Stateless resets made in the name of dead workers',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_handoff_key_updates_total',
    type: 'counter',
    unit: 'updates',
    labels: {},
    help: 'Key phases that began, of either direction',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_cids_unroutable_total',
    type: 'counter',
    unit: 'cids',
    labels: {},
    help: 'Connection IDs that tell nothing because the nonces of their key were used up: rotate it',
    layer: 'dataplane',
  },
] as const satisfies readonly MetricSpec[];
