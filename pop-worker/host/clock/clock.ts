import { native } from '../native.ts';

/** Microseconds of CLOCK_MONOTONIC: the `now` that protocol cores are given. */
export const nowUs: () => number = native.nowUs;

/** Microseconds of CLOCK_BOOTTIME, which goes on while the machine is suspended: for what others rely on meanwhile. */
export const bootUs: () => number = native.bootUs;

/** Microseconds of CPU that the calling thread has used. */
export const threadCpuUs: () => number = native.threadCpuUs;

/** A tick of the kernel (`jiffies`): 1,000 to 10,000. */
export const tickUs: () => number = native.tickUs;
