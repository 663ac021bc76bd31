import { type CaseContext, Skip, type SuiteCase, type SuiteRow } from '#bench/suite.ts';
import { type Measurement, meetsBar, summarise } from '#telemetry/measurement.ts';
import { isAllowedSkip } from './allowed-skips.ts';
import { controllerFromEnvironment } from './congestion-controller.ts';
import { FAILURE, OutputLost, SUCCESS, UsageError } from './failure.ts';
import type { Output } from './output.ts';
import { reportCase, reportFailure, reportSkip } from './report.ts';
import { didYouMean } from './suggest.ts';

/** The same figures of several runs, each brought together under its name and peer. */
const mergeRuns = (runs: readonly (readonly Measurement[])[]): Measurement[] => {
  const groups = Map.groupBy(runs.flat(), ({ metric, peer }) => `${metric} ${peer ?? ''}`);
  return [...groups.values()].map(summarise);
};

export type SuiteRun = {
  readonly kind: 'bench' | 'interop' | 'sim';
  readonly runs: number | undefined;
  readonly peers: boolean;
};

const runCase = async (output: Output, suite: string, one: SuiteCase, how: SuiteRun): Promise<boolean> => {
  const name = { suite, case: one.name };
  const missing = new Map<string, string>();
  const context: Omit<CaseContext, 'run'> & { readonly runs: number } = {
    peers: how.peers,
    runs: how.runs ?? one.runs ?? 1,
    remark: (text) => output.remark(`  ${name.case}: ${text}`),
    skipPeer: (peer, reason) => void missing.set(peer, reason),
  };
  try {
    const runs: Measurement[][] = [];
    for (let run = 0; run < (one.pools ? 1 : context.runs); run++) runs.push(await one.run({ ...context, run }));
    const measurements = mergeRuns(runs);
    reportCase(output, name, measurements);
    for (const [peer, reason] of missing) reportSkip(output, name, reason, peer);
    const isAllowed = (reason: string): boolean => isAllowedSkip(how.kind, `${suite}/${one.name}`, reason);
    const passed = measurements.every(({ value, bar }) => bar === undefined || meetsBar(value, bar));
    return passed && [...missing.values()].every(isAllowed);
  } catch (error) {
    if (error instanceof OutputLost) throw error;
    if (error instanceof Skip) {
      reportSkip(output, name, error.message);
      return isAllowedSkip(how.kind, `${suite}/${one.name}`, error.message);
    }
    reportFailure(output, name, error instanceof Error ? error.message : String(error));
    return false;
  }
};

const chooseSuite = (registry: readonly SuiteRow[], name: string): SuiteRow => {
  const suite = registry.find((row) => row.name === name);
  if (suite) return suite;
  const names = registry.map((row) => row.name);
  throw new UsageError(
    `There is no suite \`${name}\`: there is ${names.join(', ') || 'none yet'}.${didYouMean(name, names)}`,
  );
};

const chooseCases = (all: readonly SuiteCase[], wanted: readonly string[]): readonly SuiteCase[] => {
  const names = all.map(({ name }) => name);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no case \`${unknown}\`: there is ${names.join(', ')}.`);
  return wanted.length === 0 ? all : all.filter(({ name }) => wanted.includes(name));
};

/** @returns the exit code */
export const listSuites = (output: Output, suites: readonly { name: string; summary: string }[]): number => {
  const fields = [
    { heading: 'suite', cell: (row: { suite: string }) => row.suite },
    { heading: 'summary', cell: (row: { summary: string }) => row.summary },
  ] as const;
  if (suites.length === 0) output.remark('There are no suites yet.');
  output.list<{ suite: string; summary: string }>(
    fields,
    suites.map(({ name, summary }) => ({ suite: name, summary })),
  );
  return SUCCESS;
};

/** Lists the suites, or runs one: `words` are its name and the cases wanted. Resolves to the exit code. */
export const runSuites = async (
  output: Output,
  registry: readonly SuiteRow[],
  [suiteName, ...caseNames]: readonly string[],
  how: SuiteRun,
): Promise<number> => {
  if (suiteName === undefined) return listSuites(output, registry);
  // Programs of the suites take it from the environment.
  controllerFromEnvironment();
  const suite = chooseSuite(registry, suiteName);
  let passed = true;
  for (const one of chooseCases(await suite.load(), caseNames)) {
    passed = (await runCase(output, suite.name, one, how)) && passed;
  }
  return passed ? SUCCESS : FAILURE;
};
