import type { MetricSpec } from './spec.ts';

/** Of an answer, by its HTTP status: below 400, below 500, above. gRPC's codes count as the status that REST gives for them. */
export const OUTCOMES = ['ok', 'client_error', 'server_error'] as const;

/** Why a caller of the API was refused. */
export const REFUSALS = ['token_missing', 'token_invalid', 'role_missing', 'foreign_tenant'] as const;

/** Why a caller got no token for a device. */
export const TOKEN_REFUSALS = ['rate_limited', 'not_found', 'revoked'] as const;

/** Of all services. @param routes what they answer: paths or RPCs, as many as the code names */
export const callRows = (routes: readonly string[]) =>
  [
    {
      name: 'cloudbridge_api_requests_total',
      type: 'counter',
      unit: 'requests',
      labels: { route: routes, outcome: OUTCOMES },
      help: 'Requests that ended, however they came: over REST, Connect, gRPC-Web or gRPC',
      layer: 'services',
    },
    {
      name: 'cloudbridge_api_duration_seconds',
      type: 'histogram',
      unit: 'seconds',
      labels: { route: routes },
      help: 'From the request to the end of its answer; of a stream, how long it was open',
      layer: 'services',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    },
    {
      name: 'cloudbridge_api_running_requests_count',
      type: 'gauge',
      unit: 'count',
      labels: {},
      help: 'Requests that have not ended, streams among them',
      layer: 'services',
    },
    {
      name: 'cloudbridge_api_unserved_requests_total',
      type: 'counter',
      unit: 'requests',
      labels: {},
      help: 'Requests that came to no route: nothing is at their path, or they cannot be read',
      layer: 'services',
    },
    {
      name: 'cloudbridge_store_conflicts_total',
      type: 'counter',
      unit: 'conflicts',
      labels: {},
      help: 'Commits that changed nothing because somebody else was faster; most are decided anew and succeed',
      layer: 'services',
    },
  ] as const satisfies readonly MetricSpec[];

/** Of services that are called with access tokens. */
export const CALLER_ROWS = [
  {
    name: 'cloudbridge_store_unreadable_records_total',
    type: 'counter',
    unit: 'records',
    labels: {},
    help: 'Records of the store that cannot be read, each once for each of its revisions; the log names them',
    layer: 'services',
  },
  {
    name: 'cloudbridge_api_refused_callers_total',
    type: 'counter',
    unit: 'callers',
    labels: { reason: REFUSALS },
    help: 'Requests that were refused for who made them',
    layer: 'services',
  },
] as const satisfies readonly MetricSpec[];

export const TOKEN_ROWS = [
  {
    name: 'cloudbridge_tokens_issued_total',
    type: 'counter',
    unit: 'tokens',
    labels: {},
    help: 'Tokens that devices connect with, by RPC and by exchange',
    layer: 'services',
  },
  {
    name: 'cloudbridge_tokens_refused_total',
    type: 'counter',
    unit: 'tokens',
    labels: { reason: TOKEN_REFUSALS },
    help: 'Tokens that were not issued; not_found: the device is not there, or not the caller’s',
    layer: 'services',
  },
  {
    name: 'cloudbridge_tokens_revoked_total',
    type: 'counter',
    unit: 'tokens',
    labels: {},
    help: 'Tokens that were revoked by their id',
    layer: 'services',
  },
] as const satisfies readonly MetricSpec[];

export const CONFIG_ROWS = [
  {
    name: 'cloudbridge_api_replayed_requests_total',
    type: 'counter',
    unit: 'requests',
    labels: {},
    help: 'Requests that were answered like the first one with their Idempotency-Key',
    layer: 'services',
  },
  {
    name: 'cloudbridge_api_watch_streams_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Streams of events that are open',
    layer: 'services',
  },
  {
    name: 'cloudbridge_config_revisions_total',
    type: 'counter',
    unit: 'revisions',
    labels: { outcome: ['published', 'failed'] },
    help: 'Revisions that this copy published, and rounds in which it could not see whether one is due, or not write it',
    layer: 'services',
  },
  {
    name: 'cloudbridge_config_events_total',
    type: 'counter',
    unit: 'events',
    labels: {},
    help: 'Events that this copy brought into the stream before any other did',
    layer: 'services',
  },
  {
    name: 'cloudbridge_config_site_events_total',
    type: 'counter',
    unit: 'events',
    labels: { event: ['up', 'failover', 'down'] },
    help: 'Changes of sites that this copy told: reached again, by another device or at another worker, by none',
    layer: 'services',
  },
  {
    name: 'cloudbridge_config_sites_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: ['up', 'down'] },
    help: 'Sites that workers told of, by whether one of their devices reaches them; down: for a day',
    layer: 'services',
  },
  {
    name: 'cloudbridge_config_held_site_events_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Sites of which something is to be told and has to wait, since they changed more than six times at once or once a minute',
    layer: 'services',
  },
] as const satisfies readonly MetricSpec[];

/** Of a copy and its connection to NATS, whatever it serves. */
export const connectionRows = (service: string, version: string) =>
  [
    {
      name: 'cloudbridge_build_info',
      type: 'gauge',
      unit: 'info',
      labels: { service: [service], version: [version] },
      help: '1; the labels say what this is',
      layer: 'services',
    },
    {
      name: 'cloudbridge_nats_connected_count',
      type: 'gauge',
      unit: 'count',
      labels: {},
      help: '1 while there is a connection to NATS',
      layer: 'services',
    },
    {
      name: 'cloudbridge_nats_disconnects_total',
      type: 'counter',
      unit: 'disconnects',
      labels: {},
      help: 'Connections to NATS that were lost',
      layer: 'services',
    },
  ] as const satisfies readonly MetricSpec[];

/** Of the process, whatever it serves. */
export const PROCESS_ROWS = [
  {
    name: 'cloudbridge_process_resident_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: {},
    help: 'Memory that the process occupies',
    layer: 'services',
  },
  {
    name: 'cloudbridge_process_cpu_seconds_total',
    type: 'counter',
    unit: 'seconds',
    labels: {},
    help: 'Time on a CPU, in user and in system mode',
    layer: 'services',
  },
  {
    name: 'cloudbridge_process_loop_delay_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: {},
    help: 'How late a timer of every 100 ms was: for so long everything waited',
    layer: 'services',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  },
  {
    name: 'cloudbridge_process_start_time_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: {},
    help: 'When the process started, since 1970',
    layer: 'services',
  },
] as const satisfies readonly MetricSpec[];

type Rows =
  | ReturnType<typeof callRows>
  | typeof CALLER_ROWS
  | typeof TOKEN_ROWS
  | typeof CONFIG_ROWS
  | ReturnType<typeof connectionRows>
  | typeof PROCESS_ROWS;

export type ServiceMetric = Rows[number]['name'];
