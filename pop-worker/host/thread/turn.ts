/** Those before take no longer to begin, unless they have failed. */
const PATIENCE_MS = 10_000;

/** Shared memory by which threads do something one after the other. */
export const allocateTurn = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);

/**
 * Waits until the threads of lower indices have had their turn, then acts.
 *
 * @throws Error when one of them has not had it in time, and what `act` throws: the next has its turn all the same
 */
export const inTurn = <T>(memory: SharedArrayBuffer, index: number, act: () => T, patienceMs = PATIENCE_MS): T => {
  const turn = new Int32Array(memory);
  for (let now = Atomics.load(turn, 0); now < index; now = Atomics.load(turn, 0)) {
    if (Atomics.wait(turn, 0, now, patienceMs) === 'timed-out') throw new Error(`thread ${now} did not begin`);
  }
  try {
    return act();
  } finally {
    Atomics.store(turn, 0, index + 1);
    Atomics.notify(turn, 0);
  }
};
