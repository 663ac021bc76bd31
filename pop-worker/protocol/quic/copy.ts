/** Below this, a loop is faster than making a view. */
const LOOP_BYTES = 48;

/**
 * Copies source[start, end) to target[at…]. The one place where payload bytes are moved: a view costs one short-lived
 * object, but the engine moves the bytes with memmove, ten times faster than a loop from 1 KiB up.
 */
export const copyBytes = (target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void => {
  if (end - start <= LOOP_BYTES) {
    for (let i = start, to = at; i < end; i++, to++) target[to] = source[i] as number;
    return;
  }
  target.set(source.subarray(start, end), at);
};
