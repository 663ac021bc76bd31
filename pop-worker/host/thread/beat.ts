import { nowUs } from '../clock/clock.ts';
import { native } from '../native.ts';

const BEAT_AT = 0;
const THREAD_AT = 1;

/** Shared memory that a thread beats in: when it did last (`nowUs`), and which thread it is to the kernel. */
export const allocateBeat = (): SharedArrayBuffer => new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT);

/** The calling thread beats from now on. */
export const beginBeat = (beat: Float64Array): void => {
  beat[THREAD_AT] = native.threadId();
  beat[BEAT_AT] = nowUs();
};

export const giveBeat = (beat: Float64Array): void => {
  beat[BEAT_AT] = nowUs();
};

/** When it beat last; 0: it has not begun. */
export const lastBeat = (beat: Float64Array): number => beat[BEAT_AT] as number;

/** The kernel's number of the thread that beats; 0: it has not begun. */
export const beatingThread = (beat: Float64Array): number => beat[THREAD_AT] ?? 0;
