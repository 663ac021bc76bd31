import type { Measurement } from '#telemetry/measurement.ts';

/** What went wrong in the lab, in one sentence that names the cause and, where there is one, the mend. */
export class LabError extends Error {
  /** Where more can be read. */
  readonly logFile: string | undefined;

  constructor(message: string, logFile?: string) {
    super(message);
    this.name = 'LabError';
    this.logFile = logFile;
  }
}

/** What was measured shows by itself that something went wrong; the message says where. */
export class FigureError extends LabError {
  readonly measurements: readonly Measurement[];

  constructor(message: string, measurements: readonly Measurement[]) {
    super(message);
    this.measurements = measurements;
  }
}
