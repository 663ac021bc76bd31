/**
 * Tries parsers and whole connections on inputs that nobody wrote, for a bounded time, in one process.
 *
 *     npm run fuzz                                      all of scripts/fuzz/targets.ts, a minute together
 *     npm run fuzz -- qpack quic-connection             some of them
 *     npm run fuzz -- ip/corpus.test.ts                 each `survive` of a file of tests
 *     npm run fuzz -- qpack --seconds 600 --seed 7      longer, elsewhere
 *     npm run fuzz -- qpack --replay FILE               inputs of a corpus, or one that failed, again
 *     npm run fuzz -- qpack --json                      one object a line
 *
 * Inputs are made of the parser's corpus by changing bytes. For some of the time V8 counts which code runs: what reaches new
 * code is changed further. What fails is made smaller and written to .cloudbridge/fuzz in the form of a corpus, with the
 * command that tries it again. Exit code 1 when something failed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { readCorpus } from './corpus/corpus.ts';
import { Campaign, guidedMs } from './fuzz/campaign.ts';
import { type NamedTrial, trialsOf } from './fuzz/collect.ts';
import { Coverage } from './fuzz/coverage.ts';
import { caseFile, headLine, jsonOf, type Row, rowLine, summaryOf } from './fuzz/report.ts';
import { TARGETS, type Target } from './fuzz/targets.ts';
import { tellHelp } from './setup/help.ts';
import { home, root } from './setup/paths.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) tellHelp(import.meta.filename);

const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0)) throw new RangeError(`--seconds ${values.seconds}: give a number of seconds`);
if (!Number.isSafeInteger(seed)) throw new RangeError(`--seed ${values.seed}: give a whole number`);

const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
const folder = join(home, 'fuzz');
const rows: Row[] = [];

/** What a word of the command line means. */
const targetOf = (name: string): Target => {
  const known = TARGETS[name];
  if (known !== undefined) return known;
  if (name.endsWith('.ts')) return { tests: relative(root, resolve(name)) };
  throw new RangeError(`there is no target ${name}: give a file of tests or one of ${Object.keys(TARGETS).join(', ')}`);
};

/** Writes what failed down. @returns the file, from the top of the clone */
const note = ({ target, trial, outcome: { failure } }: Row): string | undefined => {
  if (failure === undefined) return undefined;
  const { name, text } = caseFile(target, trial, failure);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  return relative(root, join(folder, name));
};

const show = (row: Row): void => {
  rows.push(row);
  const file = note(row);
  const { failure } = row.outcome;
  if (values.json) console.log(jsonOf(row, file));
  else console.log(rowLine(row));
  if (failure === undefined) return;
  process.exitCode = 1;
  if (values.json) return;
  console.log(`\n${row.trial}\n${failure.message}\n${file}\n\nnpm run fuzz -- ${row.target} --replay ${file}\n`);
};

/** @param ms for all parsers of the target, and to load them */
const fuzz = async (name: string, ms: number): Promise<void> => {
  const end = performance.now() + ms;
  const { tests, code = dirname(tests) } = targetOf(name);
  const coverage = new Coverage(code);
  coverage.start();
  const trials = await trialsOf(tests);
  const each = Math.max(0, end - performance.now()) / Math.max(1, trials.length);
  const campaigns = trials.map((trial, i) => ({ trial, campaign: new Campaign(trial, seed + i, coverage) }));
  for (const { campaign } of campaigns) await campaign.run(guidedMs(each), true);
  coverage.stop();
  for (const { trial, campaign } of campaigns) {
    show({ target: name, trial: trial.name, outcome: await campaign.run(each - guidedMs(each), false) });
  }
};

/** Each input is handed to each parser of the target. */
const replay = async (name: string, file: string): Promise<void> => {
  const cases = readCorpus(pathToFileURL(resolve(file)));
  const tryOn = async (trial: NamedTrial): Promise<void> => {
    const campaign = new Campaign({ ...trial, cases }, seed, undefined);
    show({ target: name, trial: trial.name, outcome: await campaign.run(0, true) });
  };
  for (const trial of await trialsOf(targetOf(name).tests)) await tryOn(trial);
};

const weights = names.map((name) => targetOf(name).weight ?? 1);
const start = performance.now();
if (!values.json) console.log(headLine);
for (const [i, name] of names.entries()) {
  const left = weights.slice(i).reduce((sum, weight) => sum + weight, 0);
  const ms = (Math.max(0, start + 1000 * seconds - performance.now()) * (weights[i] ?? 1)) / left;
  if (values.replay === undefined) await fuzz(name, ms);
  else await replay(name, values.replay);
}
if (!values.json) console.log(`\n${summaryOf(rows, (performance.now() - start) / 1000)}`);
// What tests made for their parsers may still be open.
process.exit();
