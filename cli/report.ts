import type { StepOutcome } from '#lab/journey.ts';
import { type Bar, type CaseName, type Measurement, meetsBar, toMetricLine } from '#telemetry/measurement.ts';
import type { Output } from './output.ts';
import { displayWidth } from './table.ts';

/** A figure with at most four significant digits, and its unit. */
export const formatFigure = (value: number, unit: string): string => {
  const text = Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(4))}`;
  return unit === 'count' || unit === 'ratio' ? text : `${text} ${unit}`;
};

const formatBar = (bar: Bar): string => ('atMost' in bar ? `≤ ${bar.atMost}` : `≥ ${bar.atLeast}`);

/** `rtt_v4 41 us (≤ 100)`. */
export const formatMeasurement = ({ metric, value, unit, bar, peer }: Measurement): string => {
  const of = peer === undefined ? '' : ` [${peer}]`;
  return `${metric}${of} ${formatFigure(value, unit)}${bar === undefined ? '' : ` (${formatBar(bar)})`}`;
};

const NAME_WIDTH = 18;

const padded = (name: string): string => name + ' '.repeat(Math.max(0, NAME_WIDTH - displayWidth(name)));

/** Tells one case: a line for people, or a metric line each figure for programs. */
export const reportCase = (output: Output, name: CaseName, measurements: readonly Measurement[]): void => {
  if (output.isForPrograms) {
    for (const measurement of measurements) output.line(toMetricLine(name, measurement));
    return;
  }
  const missed = measurements.some(({ value, bar }) => bar !== undefined && !meetsBar(value, bar));
  const mark = missed ? output.paint('red', '✗') : output.paint('green', '✓');
  output.print(`${mark} ${padded(name.case)} ${measurements.map(formatMeasurement).join(' · ')}`);
};

/** Tells a case that could not run here, or not with one peer, and why. */
export const reportSkip = (output: Output, name: CaseName, reason: string, peer?: string): void => {
  const line = { suite: name.suite, case: name.case, ...(peer !== undefined && { peer }), skipped: reason };
  if (output.isForPrograms) output.line(line);
  else output.print(`- ${padded(name.case)} ${peer === undefined ? '' : `[${peer}] `}skipped: ${reason}`);
};

const COMPLETED = { metric: 'completed', unit: 'count', bar: { atLeast: 1 } } as const;

/** Tells a case that broke off: programs get a line that did not pass, people the cause on stderr as well. */
export const reportFailure = (output: Output, name: CaseName, cause: string, logFile?: string): void => {
  if (output.isForPrograms) output.line(toMetricLine(name, { ...COMPLETED, value: 0 }));
  const log = logFile === undefined ? '' : `\n  log: ${logFile}`;
  output.remark(`${output.paint('red', '✗')} ${padded(name.case)} ${cause}${log}`);
};

/** Tells how a step of the journey went. */
export const reportStep = (output: Output, suite: string, outcome: StepOutcome): void => {
  const name = { suite, case: outcome.step.name };
  if (outcome.skipped !== undefined) reportSkip(output, name, outcome.skipped);
  else if (outcome.failure === undefined || outcome.measurements.length > 0)
    reportCase(output, name, outcome.measurements);
  if (outcome.failure !== undefined) reportFailure(output, name, outcome.failure, outcome.logFile);
  if (outcome.missed !== undefined) output.remark(`  ${outcome.missed}\n  log: ${outcome.logFile}`);
};
