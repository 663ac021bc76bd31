/** How many of a codec's faults its tests noticed. */
export interface Score {
  readonly noticed: number;
  readonly all: number;
}

/** @returns in percent, down to a tenth: what is printed as 80.0 is no less. */
export const percentOf = ({ noticed, all }: Score): number =>
  all === 0 ? 100 : Math.floor((1000 * noticed) / all) / 10;

export const formatPercent = (score: Score): string => `${percentOf(score).toFixed(1)} %`;

/** One line a codec, the worst first, and those below `least` percent marked. */
export const summaryOf = (scores: ReadonlyMap<string, Score>, least: number): string => {
  const width = Math.max(...[...scores.keys()].map((name) => name.length));
  return [...scores]
    .sort(([, a], [, b]) => percentOf(a) - percentOf(b))
    .map(([name, score]) => {
      const counts = `${score.noticed} of ${score.all}`.padStart(12);
      const mark = percentOf(score) < least ? `  below ${least} %` : '';
      return `${name.padEnd(width)}  ${counts}  ${formatPercent(score).padStart(7)}${mark}`;
    })
    .join('\n');
};

/** The rows of a codec in the manual's table: first column, codec, last column. */
const ROW = /^\| ([^|]+?) +\|.*\| `([\w-]+)` +\| ([^|]+?) +\|$/;

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
