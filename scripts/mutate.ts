/**
 * Puts small faults into source files, one at a time, and tells which ones the tests do not notice.
 *
 *     node scripts/mutate.ts                                         all codecs of scripts/mutate/codecs.ts
 *     node scripts/mutate.ts qpack                                   one of them
 *     node scripts/mutate.ts settings/fields.ts [--tests 'glob']     one file, by its codec's tests or those of its folder
 *     node scripts/mutate.ts --check                                 which recorded scores are of files that have changed
 *
 * The tree stays as it is. What is found is kept in the home (.cloudbridge/mutation): a run that was stopped goes on when it
 * is called again, until a file in the folders of the codec or its tests changes; where files were added only, what was
 * noticed before is not tried again. `--again` begins anew in any case.
 * `--slice 2/5` tries the second of five parts of the faults only; slices add up, also those that run at the same time.
 * `--record` puts the scores into docs/bad-input.md, once all faults of a codec were tried.
 *
 * `--survived FILE` tries those only that an earlier run, whose output that file is, says were not noticed. Faults that
 * change nothing anybody could see stand in scripts/mutate/equivalent.json with the reason and do not count. Exit code 1 when
 * less than `--min` percent (80) of a codec's are noticed, and when `--check` finds a score to be of other files.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CODECS, type Codec } from './mutate/codecs.ts';
import { type Fault, faultsIn, survivorLine } from './mutate/faults.ts';
import { around, fingerprint, fingerprints } from './mutate/fingerprint.ts';
import { type Journal, newJournal, openJournal } from './mutate/journal.ts';
import { fingerprintOf, measuredIn, noteMeasured, standingOf } from './mutate/measured.ts';
import { progressOf } from './mutate/progress.ts';
import { codecsIn, percentOf, record, type Score, scoreLine, scoreOf, sliceOf, summaryOf } from './mutate/score.ts';
import { stopTrials, testsOf, tryFaults } from './mutate/trials.ts';
import { tellHelp } from './setup/help.ts';
import { home } from './setup/paths.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string' },
    slice: { type: 'string', default: '1/1' },
    survived: { type: 'string' },
    min: { type: 'string', default: '80' },
    record: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) tellHelp(import.meta.filename);

const root = resolve(import.meta.dirname, '..');
const manual = join(root, 'docs/bad-input.md');
const names = positionals.length > 0 ? positionals : Object.keys(CODECS);

if (values.record && values.survived !== undefined)
  throw new RangeError('a score is of all faults: leave out --survived to --record it');
const stranger = names.find((name) => CODECS[name] === undefined);
if (values.record && stranger !== undefined)
  throw new RangeError(`the manual has no row for ${stranger}: give a codec of scripts/mutate/codecs.ts to --record`);

/** What a word of the command line means. */
const codecOf = (name: string): Codec => {
  const named = CODECS[name];
  if (named !== undefined) return { ...named, ...(values.tests && { tests: [values.tests] }) };
  const file = relative(root, resolve(name));
  const codec = Object.values(CODECS).find(({ files }) => files.includes(file));
  const all = { files: [file], tests: [join(dirname(file), '**/*.test.ts')], needsProcess: true };
  return { ...(codec ?? all), files: [file], ...(values.tests && { tests: [values.tests], needsProcess: true }) };
};

const isInSlice = sliceOf(values.slice);
const before = values.survived === undefined ? undefined : new Set(readFileSync(values.survived, 'utf8').split('\n'));

const journalOf = (name: string, { files, tests }: Codec): Journal => {
  if (before !== undefined) return newJournal();
  const all = files.flatMap((file) => [file, ...testsOf(root, file, tests)]);
  const read = [...around(root, all), 'scripts/mutate/mutations.ts'];
  const origin = { of: fingerprint(root, read), files: fingerprints(root, read) };
  return openJournal(join(home, 'mutation', name.replaceAll('/', '+')), origin, values.again);
};

const run = async (name: string): Promise<Score> => {
  const codec = codecOf(name);
  const journal = journalOf(name, codec);
  const isNew = (fault: Fault): boolean => journal.noticed(fault) === undefined;
  const parts = codec.files.map((file) => {
    const faults = faultsIn(root, file).filter((fault) => before?.has(survivorLine(fault)) ?? true);
    return { file, faults, untried: faults.filter((_, i) => isInSlice(i)).filter(isNew) };
  });
  const all = parts.flatMap(({ faults }) => faults);
  const known = all.filter((fault) => !isNew(fault));
  if (known.length > 0) console.log(`${name}: ${known.length} are known from an earlier run; --again tries them anew`);
  for (const fault of known) if (journal.noticed(fault) === false) console.log(survivorLine(fault));
  const progress = progressOf(name, parts.flatMap(({ untried }) => untried).length);
  for (const { file, faults, untried } of parts) {
    await tryFaults({ root, file, codec, faults: untried, journal, progress });
    journal.reload();
    console.log(scoreLine(file, scoreOf(faults, journal)));
  }
  const score = scoreOf(all, journal);
  if (codec.files.length > 1) console.log(scoreLine(name, score));
  return score;
};

const check = (): void => {
  const all = codecsIn(readFileSync(manual, 'utf8'));
  const figures = new Map([...all].filter(([name]) => names.includes(name)));
  const { lines, stale } = standingOf(figures, measuredIn(root), (name) => fingerprintOf(root, name));
  console.log(lines.join('\n'));
  if (stale.length === 0) return;
  console.log(`\nnpm run mutation -- ${stale.join(' ')} --record`);
  process.exitCode = 1;
};

/** @param of what the codec's files were when it was tried */
const recordScore = (name: string, score: Score, of: string): void => {
  if (score.left > 0) {
    console.log(`${name}: not recorded, ${score.left} were not tried yet`);
    return;
  }
  writeFileSync(manual, record(readFileSync(manual, 'utf8'), new Map([[name, score]])));
  noteMeasured(root, name, of);
};

const mutate = async (): Promise<void> => {
  const scores = new Map<string, Score>();
  for (const [i, name] of names.entries()) {
    if (names.length > 1) console.log(`\n${name} (${i + 1} of ${names.length})`);
    const of = fingerprintOf(root, name);
    const score = await run(name);
    scores.set(name, score);
    if (values.record) recordScore(name, score, of);
    if (percentOf(score) < Number(values.min)) process.exitCode = 1;
  }
  if (names.length > 1) console.log(`\n${summaryOf(scores, Number(values.min))}`);
};

if (values.check) check();
else {
  // Whoever works at this machine goes first.
  setPriority(constants.priority.PRIORITY_LOW);
  const end = (): void => {
    console.log('\nstopped: the same command goes on from here');
    void stopTrials().finally(() => process.exit(2));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  await mutate();
}
