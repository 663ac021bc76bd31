import { createHash } from 'node:crypto';
import type { Failure, Outcome } from './campaign.ts';

export interface Row {
  readonly target: string;
  /** The test that it stands in. */
  readonly trial: string;
  readonly outcome: Outcome;
}

const LONGEST = 70;

const columns = (
  target: string,
  runs: string,
  rate: string,
  features: string,
  failures: string,
  trial: string,
): string =>
  `${target.padEnd(20)} ${runs.padStart(10)} ${rate.padStart(9)} ${features.padStart(9)} ${failures.padStart(9)}  ${trial}`;

export const headLine = columns('target', 'runs', 'runs/s', 'features', 'failures', 'parser, by its test');

const perSecond = ({ runs, seconds }: Outcome): number => Math.round(runs / Math.max(seconds, 0.001));

export const rowLine = ({ target, trial, outcome }: Row): string =>
  columns(
    target,
    String(outcome.runs),
    String(perSecond(outcome)),
    String(outcome.features),
    outcome.failure === undefined ? '0' : '1',
    trial.length > LONGEST ? `${trial.slice(0, LONGEST - 1)}…` : trial,
  );

export const jsonOf = ({ target, trial, outcome }: Row, file: string | undefined): string => {
  const { runs, seconds, features, failure } = outcome;
  const failed = failure && { message: failure.message, hex: hexOf(failure), file };
  return JSON.stringify({ target, trial, runs, seconds, runs_per_s: perSecond(outcome), features, failure: failed });
};

const hexOf = ({ input }: Failure): string => Buffer.from(input).toString('hex');

/** A file of one case, as `readCorpus` reads it, named after what is in it. */
export const caseFile = (target: string, trial: string, failure: Failure): { name: string; text: string } => {
  const hex = hexOf(failure);
  const digest = createHash('sha256').update(trial).update(hex).digest('hex').slice(0, 10);
  const found = { name: `${trial}: ${failure.message.split('\n')[0]}`, hex };
  return {
    name: `${target.replaceAll(/[^\w-]+/g, '_')}-${digest}.json`,
    text: `${JSON.stringify([found], null, 2)}\n`,
  };
};

export const summaryOf = (rows: readonly Row[], seconds: number): string => {
  const runs = rows.reduce((sum, { outcome }) => sum + outcome.runs, 0);
  const failed = rows.filter(({ outcome }) => outcome.failure !== undefined).length;
  return `${runs} inputs in ${Math.round(seconds)} s, ${failed === 0 ? 'no' : failed} failure${failed === 1 ? '' : 's'}`;
};
