import { native } from '../native.ts';

/** Microseconds of CLOCK_MONOTONIC: the `now` that protocol cores are given. */
export const nowUs: () => number = native.nowUs;

/** Microseconds of CLOCK_BOOTTIME: goes on while the machine is suspended. */
export const boottimeUs: () => number = native.boottimeUs;

/** Microseconds of CPU that the calling thread has used. */
export const threadCpuUs: () => number = native.threadCpuUs;
