/** Tests are given up no earlier than after that long, however quick they are without a fault. */
export const LEAST_LIMIT_MS = 3000;

/** Tries tests against one text of a file after the other. */
export interface Runner {
  /** @param source the file as it is tried, types stripped @returns whether all tests pass within the limit */
  passes(source: string, limitMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Paths from the top of the clone. */
export interface Trial {
  readonly file: string;
  readonly tests: readonly string[];
}
