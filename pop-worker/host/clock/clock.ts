import { native } from '../native.ts';

/** Microseconds of CLOCK_MONOTONIC: the `now` that protocol cores are given. */
export const nowUs: () => number = native.nowUs;

/** Microseconds of CPU that the calling thread has used. */
export const threadCpuUs: () => number = native.threadCpuUs;
