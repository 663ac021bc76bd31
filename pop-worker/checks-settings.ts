import { z } from 'zod';
import type { PatienceRules } from '#host/clock/patience.ts';
import type { WatchedThread } from '#host/thread/beats.ts';

/** Three beats of 50 ms: a shorter limit is passed by a timer that is a little late. */
const LEAST_STUCK_MS = 150;
const MOST_MS = 60_000;

const MIN_SILENT_S = 6;
const MAX_SILENT_S = 366 * 86_400;

/** `[checks]` of a worker's file: when a thread of its own counts as stuck, and when its data plane does not answer. */
export const ChecksSection = z
  .strictObject({
    /** A data-plane thread did not beat for so long, but for the time that it waited for a core. */
    thread_stuck_ms: z.int().min(LEAST_STUCK_MS).max(MOST_MS).default(250),
    /** It did not beat for so long, whatever it waited for. */
    thread_late_ms: z.int().min(LEAST_STUCK_MS).max(MOST_MS).default(2000),
    /** The same of the main thread and of BGP's, which may take a revision or routes in, or collect garbage: forwarding waits for neither. */
    main_stuck_ms: z.int().min(LEAST_STUCK_MS).max(MOST_MS).default(2000),
    main_late_ms: z.int().min(LEAST_STUCK_MS).max(MOST_MS).default(10_000),
    /** What the data plane and uplinks are given to answer, but for the time that data-plane threads waited for a core. */
    answer_ms: z.int().min(10).max(MOST_MS).default(200),
    /** Questions in a row without an answer of the data plane. */
    answer_failures: z.int().min(1).max(100).default(3),
    /** Packets are sent through TUN, kernel and nftables, and have to come back; false: the data plane alone is asked. */
    through_kernel: z.boolean().default(true),
    /** Nothing was heard of the control plane for so long: that is shown. It is heard each 5 s. */
    control_silent_seconds: z.int().min(MIN_SILENT_S).max(MAX_SILENT_S).default(15),
    /** Desired state of so long ago withdraws, where others announce the same; 0: never (fail static). */
    revision_age_seconds: z.int().min(0).max(MAX_SILENT_S).default(0),
  })
  .refine(({ thread_stuck_ms, thread_late_ms }) => thread_late_ms >= thread_stuck_ms, {
    message: 'must not be shorter than thread_stuck_ms',
    path: ['thread_late_ms'],
  })
  .refine(({ main_stuck_ms, main_late_ms }) => main_late_ms >= main_stuck_ms, {
    message: 'must not be shorter than main_stuck_ms',
    path: ['main_late_ms'],
  })
  .refine(({ answer_ms, thread_late_ms }) => thread_late_ms >= answer_ms, {
    message: 'must not be longer than thread_late_ms, which ends the wait for an answer too',
    path: ['answer_ms'],
  });
export type ChecksSettings = z.infer<typeof ChecksSection>;

/** How long an answer is waited for. */
export const patienceOf = ({ answer_ms: limitMs, thread_late_ms: mostMs }: ChecksSettings): PatienceRules => ({
  limitMs,
  mostMs,
});

/** Data-plane threads, as BFD and the worker's own check watch them. */
export const watchedData = (
  beats: readonly SharedArrayBuffer[],
  { thread_stuck_ms: limitMs, thread_late_ms: lateMs }: ChecksSettings,
): WatchedThread[] => beats.map((beat) => ({ thread: 'data', beat, limitMs, lateMs }));

/** A thread that forwards nothing itself, as BFD watches it. */
export const watchedSlow = (
  thread: 'main' | 'bgp',
  beat: SharedArrayBuffer,
  { main_stuck_ms: limitMs, main_late_ms: lateMs }: ChecksSettings,
): WatchedThread => ({ thread, beat, limitMs, lateMs });
