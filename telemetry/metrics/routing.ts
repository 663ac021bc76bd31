import type { MetricSpec } from './spec.ts';

/** What a worker has in the kernel's routing tables. */
export const ROUTING_METRICS = [
  {
    name: 'cloudbridge_kernel_routes_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: ['wanted', 'installed', 'conflicting', 'refused'] },
    help: 'Routes that are wanted in the kernel and that are there; conflicting: what is not ours lies in their place',
    layer: 'control',
  },
  {
    name: 'cloudbridge_kernel_missing_hops_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Next hops that routes of ours want and by which no packet can leave; others of their groups carry their share',
    layer: 'control',
  },
  {
    name: 'cloudbridge_kernel_unreachable_next_hops_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Sets of next hops that routes want and by which no packet can leave: no link, or the kernel refuses them',
    layer: 'control',
  },
  {
    name: 'cloudbridge_kernel_route_changes_total',
    type: 'counter',
    unit: 'changes',
    labels: { change: ['added', 'replaced', 'removed'] },
    help: 'Routes that were changed in the kernel by the worker',
    layer: 'control',
  },
  {
    name: 'cloudbridge_kernel_route_repairs_total',
    type: 'counter',
    unit: 'repairs',
    labels: {},
    help: 'Times that somebody else had changed a route or rule of the worker and it was mended',
    layer: 'control',
  },
  {
    name: 'cloudbridge_kernel_overruns_total',
    type: 'counter',
    unit: 'overruns',
    labels: {},
    help: 'Times that the kernel could not tell all changes (ENOBUFS), so that everything was compared',
    layer: 'control',
  },
  {
    name: 'cloudbridge_kernel_checks_total',
    type: 'counter',
    unit: 'checks',
    labels: {},
    help: 'Times that everything of the worker in the kernel was compared with what is wanted',
    layer: 'control',
  },
] as const satisfies readonly MetricSpec[];
