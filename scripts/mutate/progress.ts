/** Where a log is written instead of a terminal, progress is told that often. */
const LOG_EVERY_MS = 30_000;

/** What a progress is written to, as of `process.stderr`. */
interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** How far a run is. */
export interface Progress {
  /** One more is done. */
  step(): void;
  /** Call before anything else is printed: at a terminal the line is written over. */
  clear(): void;
}

/** @param nowMs of a clock that only goes forward */
export const progressOf = (
  name: string,
  all: number,
  output: Output = process.stderr,
  nowMs: () => number = () => performance.now(),
): Progress => {
  const beganMs = nowMs();
  let toldMs = beganMs;
  let done = 0;
  return {
    step: () => {
      done++;
      const atMs = nowMs();
      if (done === all || (output.isTTY !== true && atMs - toldMs < LOG_EVERY_MS)) return;
      toldMs = atMs;
      const leftSeconds = Math.ceil((((atMs - beganMs) / done) * (all - done)) / 1000);
      const left = leftSeconds < 100 ? `${leftSeconds} s` : `${Math.ceil(leftSeconds / 60)} min`;
      const text = `${name}: ${done} of ${all}, about ${left} left`;
      output.write(output.isTTY === true ? `\r\x1b[K${text}` : `${text}\n`);
    },
    clear: () => {
      if (output.isTTY === true) output.write('\r\x1b[K');
    },
  };
};
