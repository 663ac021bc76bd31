import type { Fault } from './faults.ts';
import type { Journal } from './journal.ts';

/** How many of a codec's faults its tests noticed, of those that were tried. */
export interface Score {
  readonly noticed: number;
  readonly all: number;
  /** Those that were not tried yet; they are not among `all`. */
  readonly left: number;
}

export const scoreOf = (faults: readonly Fault[], journal: Journal): Score => {
  const found = faults.map((fault) => journal.noticed(fault));
  const noticed = found.filter((each) => each === true).length;
  const left = found.filter((each) => each === undefined).length;
  return { noticed, all: faults.length - left, left };
};

/** @returns in percent, down to a tenth: what is printed as 80.0 is no less. */
export const percentOf = ({ noticed, all }: Pick<Score, 'noticed' | 'all'>): number =>
  all === 0 ? 100 : Math.floor((1000 * noticed) / all) / 10;

export const formatPercent = (score: Score): string => `${percentOf(score).toFixed(1)} %`;

/** @returns one line: what, its score, and whether that is of all. */
export const scoreLine = (name: string, score: Score): string => {
  const left = score.left === 0 ? '' : `; ${score.left} were not tried yet`;
  return `${name}: ${score.noticed} of ${score.all} noticed, ${formatPercent(score)}${left}`;
};

/**
 * @param text as `2/5`, the second of five parts
 * @returns whether what has this number, from 0, is in it
 * @throws RangeError when there is no such part
 */
export const sliceOf = (text: string): ((i: number) => boolean) => {
  const [, part, parts] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (part === undefined || parts === undefined || part < 1 || part > parts)
    throw new RangeError(`--slice ${text}: give a part and their number, as in 2/5`);
  return (i) => i % parts === part - 1;
};

/** One line a codec, the worst first, and those below `least` percent marked. */
export const summaryOf = (scores: ReadonlyMap<string, Score>, least: number): string => {
  const width = Math.max(...[...scores.keys()].map((name) => name.length));
  return [...scores]
    .sort(([, a], [, b]) => percentOf(a) - percentOf(b))
    .map(([name, score]) => {
      const counts = `${score.noticed} of ${score.all}`.padStart(12);
      const mark = percentOf(score) < least ? `  below ${least} %` : '';
      const left = score.left === 0 ? '' : `  ${score.left} not tried yet`;
      return `${name.padEnd(width)}  ${counts}  ${formatPercent(score).padStart(7)}${mark}${left}`;
    })
    .join('\n');
};

/** The rows of a codec in the manual's table: first column, codec, and its score, or one character where there is none yet. */
const ROW = /^\| ([^|]+?) +\|.*\| `([\w-]+)` +\| (\d+(?:\.\d+)? %|[-?]) +\|$/;

/** The codecs that the manual's table names, with the figures that stand there. */
export const codecsIn = (manual: string): Map<string, string> =>
  new Map(
    manual.split('\n').flatMap((line) => {
      const [, , name, figure] = ROW.exec(line) ?? [];
      return name === undefined || figure === undefined ? [] : [[name, figure] as const];
    }),
  );

/**
 * The manual with these scores in its table. The column keeps its width.
 *
 * @throws RangeError when what was scored is no codec of the table
 */
export const record = (manual: string, scores: ReadonlyMap<string, Score>): string => {
  const known = codecsIn(manual);
  for (const name of scores.keys()) if (!known.has(name)) throw new RangeError(`the manual has no row for ${name}`);
  return manual
    .split('\n')
    .map((line) => {
      const score = scores.get(ROW.exec(line)?.[2] ?? '');
      if (score === undefined) return line;
      const cell = line.lastIndexOf('|', line.length - 2);
      return `${line.slice(0, cell)}| ${formatPercent(score).padEnd(line.length - cell - 4)} |`;
    })
    .join('\n');
};
