import type { Measurement } from '#telemetry/measurement.ts';

/** Thrown by a case that cannot run on this machine. The reason must match a row of the committed table of allowed skips. */
export class Skip extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Skip';
  }
}

export type CaseContext = {
  /** Measure the peers beside us too. */
  readonly peers: boolean;
  /** Which of its runs this is, from 0. */
  readonly run: number;
  /** How many there are; absent: one. */
  readonly runs?: number;
  /** Says something for people, such as why a figure is bad; on stderr. */
  remark(text: string): void;
  /** One peer cannot be had here; the case goes on without it. The reason must be an allowed one, as for `Skip`. */
  skipPeer(peer: string, reason: string): void;
};

/** One thing that is measured or proven. Throws `Skip` where it cannot be, anything else where it fails. */
export type SuiteCase = {
  readonly name: string;
  readonly summary: string;
  /** How often it is measured when the user does not say; 1 if absent. */
  readonly runs?: number;
  /** It is called once and does all runs itself: what it states is of all of them together. */
  readonly pools?: boolean;
  run(context: CaseContext): Promise<Measurement[]>;
};

/** A row of a registry. The suite's code is loaded when it is asked for. */
export type SuiteRow = {
  readonly name: string;
  readonly summary: string;
  load(): Promise<readonly SuiteCase[]>;
};
