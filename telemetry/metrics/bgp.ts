import type { MetricSpec } from './spec.ts';

const STATES = ['idle', 'connect', 'active', 'open_sent', 'open_confirm', 'established'] as const;
const MESSAGES = ['open', 'update', 'notification', 'keepalive', 'route_refresh'] as const;

/** What the BGP thread does with its neighbours. */
export const BGP_METRICS = [
  {
    name: 'cloudbridge_bgp_neighbours_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: STATES },
    help: 'BGP neighbours by the state of their session',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_sessions_total',
    type: 'counter',
    unit: 'sessions',
    labels: {},
    help: 'BGP sessions that came to be established',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_ended_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: {
      cause: [
        'connection',
        'hold_expired',
        'send_hold_expired',
        'notification',
        'error',
        'collision',
        'max_prefix',
        'bfd_down',
        'own_fault',
        'stopped',
        'resources',
      ],
      established: ['no', 'yes'],
    },
    help: 'BGP connections that ended, by the cause, and whether they were an established session',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_messages_total',
    type: 'counter',
    unit: 'messages',
    labels: { type: MESSAGES, direction: ['received', 'sent'] },
    help: 'BGP messages by type',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_faulty_updates_total',
    type: 'counter',
    unit: 'updates',
    labels: { outcome: ['attribute_discard', 'treat_as_withdraw', 'family_disabled'] },
    help: 'UPDATEs with an error that did not end the session, by what it cost (RFC 7606)',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_refused_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: { reason: ['stranger', 'not_wanted'] },
    help: 'Connections to the BGP port that were refused: of an address that is no neighbour, or of one that is stopped, held back or has its session',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_failed_attempts_total',
    type: 'counter',
    unit: 'attempts',
    labels: {},
    help: 'Attempts to connect to BGP neighbours that came to no TCP connection: refused, no way there, or no answer',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_held_back_neighbours_total',
    type: 'counter',
    unit: 'neighbours',
    labels: {},
    help: 'Times that a neighbour was held back, for its session was lost three times in a minute',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_refused_neighbours_count',
    type: 'gauge',
    unit: 'neighbours',
    labels: {},
    help: 'Neighbours of a speaker by itself that cannot be had as its file has them, such as on an interface that is not there',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bgp_routes_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: {},
    help: 'Memory that the tables of BGP routes take; it is limited, and who goes over it loses its session',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
