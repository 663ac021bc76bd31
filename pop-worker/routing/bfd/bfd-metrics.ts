import type { Beats, ThreadKind } from '#host/thread/beats.ts';
import type { Bfd } from '#protocol/bfd/bfd.ts';
import { DROP_REASONS, type DropReason } from '#protocol/bfd/drop.ts';
import { BfdErrorCode } from '#protocol/bfd/errors.ts';
import { Diagnostic, STATE_NAMES, State } from '#protocol/bfd/state.ts';
import { labelValues, METRICS, type MetricSpec } from '#telemetry/metrics.ts';
import { observe, slotOf } from '#telemetry/slots.ts';

const DELAY = 'cloudbridge_bfd_delay_seconds';
const DELAY_AT = slotOf(DELAY, {});
const SPECS: readonly MetricSpec[] = METRICS;
const DELAY_BUCKETS = SPECS.find(({ name }) => name === DELAY)?.buckets ?? [];

const SESSIONS = STATE_NAMES.map((state) => slotOf('cloudbridge_bfd_sessions_count', { state }));
const TRANSITIONS = STATE_NAMES.map((to) => slotOf('cloudbridge_bfd_transitions_total', { to }));
const FAILURES = {
  silence: slotOf('cloudbridge_bfd_failures_total', { reason: 'silence' }),
  neighbour: slotOf('cloudbridge_bfd_failures_total', { reason: 'neighbour' }),
  forwarding: slotOf('cloudbridge_bfd_failures_total', { reason: 'forwarding' }),
  administrative: slotOf('cloudbridge_bfd_failures_total', { reason: 'administrative' }),
};
const RECEIVED = slotOf('cloudbridge_bfd_packets_total', { direction: 'received' });
const SENT = slotOf('cloudbridge_bfd_packets_total', { direction: 'sent' });
const DROPPED = DROP_REASONS.map((reason: DropReason) => slotOf('cloudbridge_bfd_dropped_packets_total', { reason }));
const BY_KERNEL = slotOf('cloudbridge_bfd_dropped_packets_total', { reason: 'kernel' });
const UNSENT = slotOf('cloudbridge_bfd_unsent_packets_total', {});
const REFUSED: Readonly<Record<BfdErrorCode, number>> = {
  [BfdErrorCode.invalid]: slotOf('cloudbridge_bfd_refused_sessions_total', { reason: 'invalid' }),
  [BfdErrorCode.tooManySessions]: slotOf('cloudbridge_bfd_refused_sessions_total', { reason: 'too_many_sessions' }),
  [BfdErrorCode.tooManyPackets]: slotOf('cloudbridge_bfd_refused_sessions_total', { reason: 'too_many_packets' }),
  [BfdErrorCode.duplicate]: slotOf('cloudbridge_bfd_refused_sessions_total', { reason: 'duplicate' }),
};
const UNOPENED = slotOf('cloudbridge_bfd_unopened_sessions_count', {});
const THREADS = labelValues('cloudbridge_bfd_missed_beats_total', 'thread');
const slotsOf = (name: 'cloudbridge_bfd_missed_beats_total' | 'cloudbridge_bfd_late_beats_total') =>
  Object.fromEntries(THREADS.map((thread) => [thread, slotOf(name, { thread })])) as Readonly<
    Record<ThreadKind, number>
  >;
const MISSED = slotsOf('cloudbridge_bfd_missed_beats_total');
const LATE = slotsOf('cloudbridge_bfd_late_beats_total');
const LENT = slotOf('cloudbridge_bfd_priority_loans_total', {});
const HELD = slotOf('cloudbridge_bfd_held_count', {});
const REALTIME = slotOf('cloudbridge_bfd_realtime_count', {});

const reasonOf = (to: State, remoteState: State, diagnostic: Diagnostic): keyof typeof FAILURES => {
  if (to === State.adminDown || remoteState === State.adminDown) return 'administrative';
  if (diagnostic === Diagnostic.detectionTimeExpired) return 'silence';
  return diagnostic === Diagnostic.forwardingPlaneReset ? 'forwarding' : 'neighbour';
};

/** The BFD thread's counters, in memory that others read. */
export class BfdMetrics {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array, realtime: boolean) {
    this.#slots = slots;
    slots[REALTIME] = realtime ? 1 : 0;
  }

  #add(at: number, count = 1): void {
    (this.#slots[at] as number) += count;
  }

  received(packets: number): void {
    this.#add(RECEIVED, packets);
  }

  sent(taken: boolean): void {
    this.#add(taken ? SENT : UNSENT);
  }

  droppedByKernel(packets: number): void {
    this.#add(BY_KERNEL, packets);
  }

  /** @param times in all */
  lent(times: number): void {
    this.#slots[LENT] = times;
  }

  late(us: number): void {
    observe(this.#slots, DELAY_AT, DELAY_BUCKETS, us / 1e6);
  }

  changed(from: State, to: State, remoteState: State, diagnostic: Diagnostic): void {
    this.#add(TRANSITIONS[to] as number);
    if (from === State.up) this.#add(FAILURES[reasonOf(to, remoteState, diagnostic)]);
  }

  refused(code: BfdErrorCode): void {
    this.#add(REFUSED[code]);
  }

  missed(thread: ThreadKind): void {
    this.#add(MISSED[thread]);
  }

  /** Brings up to date what is not counted as it happens. */
  collect(bfd: Bfd, unopened: number, { missing, late }: Pick<Beats, 'missing' | 'late'>): void {
    const slots = this.#slots;
    for (let i = 0; i < DROPPED.length; i++) slots[DROPPED[i] as number] = bfd.dropped[i + 1] as number;
    for (let i = 0; i < SESSIONS.length; i++) slots[SESSIONS[i] as number] = 0;
    for (let i = 0; i < bfd.places; i++) {
      const session = bfd.at(i);
      if (session !== undefined) this.#add(SESSIONS[session.state] as number);
    }
    slots[UNOPENED] = unopened;
    slots[HELD] = missing === undefined ? 0 : 1;
    for (const thread of THREADS) slots[LATE[thread]] = late[thread];
  }
}
