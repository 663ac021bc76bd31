const line = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** Tells the harness that the program can be talked to, and where. */
export const ready = (address: string): void => line({ ready: { address } });

/** Tells the harness what came out. */
export const result = (value: unknown): void => line({ result: value });

/** Ends the program with its cause in one line. */
export const fail = (cause: unknown): never => {
  process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`);
  process.exit(1);
};
