import type { MetricSpec } from './spec.ts';

/** What a worker announces, and why. */
export const ANYCAST_METRICS = [
  {
    name: 'cloudbridge_anycast_state_count',
    type: 'gauge',
    unit: 'count',
    labels: {
      state: ['waiting', 'announced', 'returning', 'last', 'draining', 'drained', 'failed', 'held', 'withdrawn'],
    },
    help: 'One for the state that the announcement of the anycast prefixes is in',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_preference_ratio',
    type: 'gauge',
    unit: 'ratio',
    labels: {},
    help: 'How much of the full preference the anycast prefixes are announced with; 0 also while they are not',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_check_failed_count',
    type: 'gauge',
    unit: 'count',
    labels: { check: ['threads', 'forwarding', 'uplinks', 'neighbors', 'control', 'revision'] },
    help: 'One for each check that has failed at this moment',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_late_answers_total',
    type: 'counter',
    unit: 'answers',
    labels: { check: ['threads', 'forwarding'] },
    help: 'How often a check gave the data plane more time, since its threads waited for a core: the machine is too busy',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_withdrawals_total',
    type: 'counter',
    unit: 'withdrawals',
    labels: { cause: ['check', 'order'] },
    help: 'How often the anycast prefixes were announced and then withdrawn, by what was the cause',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_drains_total',
    type: 'counter',
    unit: 'drains',
    labels: { end: ['moved', 'deadline', 'undone'] },
    help: 'Drains that have ended: all sessions had gone, time was up, or it was taken back',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_holds_total',
    type: 'counter',
    unit: 'holds',
    labels: {},
    help: 'How often the announcement was held back as it came and went',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_refused_neighbors_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'BGP neighbours that are wanted and cannot be had as they are: worker status says why',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_anycast_failed_uplinks_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Uplinks that lead nowhere: routes over uplinks go by the others, unless there is none',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
