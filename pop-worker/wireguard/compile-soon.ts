import { setFlagsFromString } from 'node:v8';

/**
 * When V8 compiles a function, by how often it was called (its own: 400 and 3,000). A tunnel that carries a hundred packets
 * a second would run half a minute in slow code otherwise, with a third more of latency; a fast one is there at once anyway.
 */
export const COMPILE_SOON: readonly string[] = [
  '--invocation-count-for-feedback-allocation=2',
  '--minimum-invocations-after-ic-update=50',
  '--invocation-count-for-maglev=50',
  '--invocation-count-for-turbofan=300',
];

/** Counts for what is called from now on, in this process. */
export const compileSoon = (): void => {
  for (const flag of COMPILE_SOON) setFlagsFromString(flag);
};
