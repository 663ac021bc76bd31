import type { MetricSpec } from './spec.ts';

/** What the BGP thread has of RPKI caches. */
export const RPKI_METRICS = [
  {
    name: 'cloudbridge_rpki_caches_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: ['standby', 'waiting', 'connecting', 'asked', 'answered', 'current'] },
    help: 'RPKI caches by state: current is in step, standby is not asked for one that is more preferred is',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_rpki_records_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Validated ROA payloads that routes are judged by, of all caches that are used',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_rpki_revalidations_total',
    type: 'counter',
    unit: 'revalidations',
    labels: {},
    help: 'Times that routes were judged anew, for what caches say had changed',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_rpki_failures_total',
    type: 'counter',
    unit: 'failures',
    labels: {},
    help: 'Connections with RPKI caches that ended or could not be had, and data that became too old',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
