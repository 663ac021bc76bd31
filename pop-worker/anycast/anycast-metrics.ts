import type { AnycastStatus } from '#pop-worker/routing/anycast/anycast.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';

const STATES = labelValues('cloudbridge_anycast_state_count', 'state');
const CHECKS = labelValues('cloudbridge_anycast_check_failed_count', 'check');

/** How often a check gave its threads more time, since they waited for a core. */
export type LateAnswers = Readonly<Record<'threads' | 'forwarding', number>>;

export interface AnycastNumbers {
  /** Neighbours that cannot be had. */
  readonly refused: number;
  /** Uplinks that lead nowhere. */
  readonly failed: number;
  /** Prefixes that are announced, and by nobody else that is known. */
  readonly alone: number;
}

/** Metrics of what a worker announces. */
export class AnycastMetrics {
  readonly slots = allocateSlots();

  /** As it is now. */
  set(status: AnycastStatus, { refused, failed, alone }: AnycastNumbers, late: LateAnswers): void {
    const { slots } = this;
    for (const state of STATES)
      slots[slotOf('cloudbridge_anycast_state_count', { state })] = state === status.state ? 1 : 0;
    for (const check of CHECKS) {
      const isFailed = status.checks.some(({ name, state }) => name === check && state === 'failed');
      slots[slotOf('cloudbridge_anycast_check_failed_count', { check })] = isFailed ? 1 : 0;
    }
    slots[slotOf('cloudbridge_anycast_preference_ratio', {})] = status.announcement.preference / 10;
    slots[slotOf('cloudbridge_anycast_alone_count', {})] = alone;
    slots[slotOf('cloudbridge_anycast_holds_total', {})] = status.held;
    slots[slotOf('cloudbridge_anycast_refused_neighbors_count', {})] = refused;
    slots[slotOf('cloudbridge_anycast_failed_uplinks_count', {})] = failed;
    for (const check of ['threads', 'forwarding'] as const)
      slots[slotOf('cloudbridge_anycast_late_answers_total', { check })] = late[check];
  }

  withdrawn(cause: 'check' | 'order'): void {
    this.#count(slotOf('cloudbridge_anycast_withdrawals_total', { cause }));
  }

  drained(end: 'moved' | 'deadline' | 'undone'): void {
    this.#count(slotOf('cloudbridge_anycast_drains_total', { end }));
  }

  #count(slot: number): void {
    this.slots[slot] = (this.slots[slot] as number) + 1;
  }
}
