import { type Slots, slotOf } from '#telemetry/slots.ts';
import type { KernelRoutesStatus } from './status.ts';

const UNREACHABLE = slotOf('cloudbridge_kernel_unreachable_next_hops_count', {});
const MISSING = slotOf('cloudbridge_kernel_missing_hops_count', {});
const REPAIRS = slotOf('cloudbridge_kernel_route_repairs_total', {});
const OVERRUNS = slotOf('cloudbridge_kernel_overruns_total', {});
const CHECKS = slotOf('cloudbridge_kernel_checks_total', {});

/** Brings the slots up to date. */
export const writeKernelMetrics = (slots: Slots, status: KernelRoutesStatus): void => {
  for (const state of ['wanted', 'installed', 'conflicting', 'refused'] as const) {
    slots[slotOf('cloudbridge_kernel_routes_count', { state })] = status.routes[state];
  }
  for (const change of ['added', 'replaced', 'removed'] as const) {
    slots[slotOf('cloudbridge_kernel_route_changes_total', { change })] = status.changes[change];
  }
  slots[UNREACHABLE] = status.nextHops.unreachable;
  slots[MISSING] = status.nextHops.missing.length;
  slots[REPAIRS] = status.repairs;
  slots[OVERRUNS] = status.overruns;
  slots[CHECKS] = status.checks;
};
