import type { MetricSpec } from './spec.ts';

/** What the BGP thread writes as MRT files. */
export const MRT_METRICS = [
  {
    name: 'cloudbridge_mrt_files_total',
    type: 'counter',
    unit: 'files',
    labels: { kind: ['table', 'updates'] },
    help: 'MRT files that were written to the end, by what is in them',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_mrt_records_total',
    type: 'counter',
    unit: 'records',
    labels: {},
    help: 'Records that were handed to MRT files',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_mrt_dropped_records_total',
    type: 'counter',
    unit: 'records',
    labels: {},
    help: 'Records of UPDATEs that are in no MRT file, for the disk was slower than they',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_mrt_failures_total',
    type: 'counter',
    unit: 'failures',
    labels: {},
    help: 'MRT files that could not be written, or not to the end',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
