import type { MetricLine } from '#telemetry/measurement.ts';

/** Reads what `cloudbridge sim … --json` printed, one run after the other. A later figure replaces an earlier one of its name. */
export const readLines = (text: string): MetricLine[] => {
  const lines = new Map<string, MetricLine>();
  for (const row of text.split('\n').filter((line) => line.startsWith('{'))) {
    const line = JSON.parse(row) as MetricLine;
    lines.set([line.suite, line.case, line.metric, line.peer].join(' '), line);
  }
  return [...lines.values()];
};

const COLUMNS = ['suite', 'case', 'metric', 'peer', 'value', 'min', 'max', 'runs', 'unit', 'bar', 'pass'] as const;

/** RFC 4180, without anything that would need quotes: all our names are plain. */
export const toCsv = (lines: readonly MetricLine[]): string =>
  `${[COLUMNS.join(','), ...lines.map((line) => COLUMNS.map((column) => line[column] ?? '').join(','))].join('\n')}\n`;

const spread = ({ min, max }: MetricLine): string => (min === undefined || max === undefined ? '' : `${min} … ${max}`);

const row = (line: MetricLine, comparison: string): string[] => [
  `${line.suite} ${line.case}`,
  line.peer === undefined ? `${line.metric}` : `${line.metric} [${line.peer}]`,
  `${line.value} ${line.unit === 'ratio' || line.unit === 'count' ? '' : line.unit}`.trim(),
  spread(line),
  comparison,
];

const HEADINGS = ['case', 'figure', 'median', 'min … max', 'bar'];

/** A Markdown table of all figures, its columns as wide as they need to be. @param isLower whether a bar is a least */
export const toTable = (lines: readonly MetricLine[]): string => {
  const rows = lines.map((line) => {
    const mark = line.pass === undefined ? '' : `${line.bar} ${line.pass ? 'met' : '**missed**'}`;
    return row(line, mark);
  });
  const widths = HEADINGS.map((heading, i) => Math.max(heading.length, ...rows.map((cells) => cells[i]?.length ?? 0)));
  const format = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [format(HEADINGS), rule, ...rows.map(format)].join('\n');
};

const [BEGIN, END] = ['<!-- figures: begin -->', '<!-- figures: end -->'];

/** Puts the table between its two marks. @throws RangeError for a document without them */
export const replaceTable = (document: string, table: string): string => {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new RangeError(`The document has no \`${BEGIN}\` and \`${END}\`.`);
  return `${document.slice(0, from + BEGIN.length)}\n\n${table}\n\n${document.slice(to)}`;
};
