/** A test that a SPEC.md names as the proof of a requirement. The file is seen from the SPEC's folder. */
export type Citation = { readonly file: string; readonly test: string };

/** A row of a SPEC's table: a requirement, what is done of it, and what shows that. */
export type SpecRow = {
  /** From 1. */
  readonly line: number;
  /** Of the heading above, as `RFC 9000`; empty where it names none. */
  readonly rfc: string;
  /** Without §. */
  readonly section: string;
  /** How many times the section says MUST what stands here; 0 where the table does not count. */
  readonly musts: number;
  readonly state: string;
  readonly reason: string;
  /** Undefined where the cell holds anything but citations. */
  readonly citations: readonly Citation[] | undefined;
};

// `file.test.ts` › "name of the test"; several are parted by "; ".
const CITATION = /`([\w./-]+\.test\.ts)` › "([^"]+)"/;
const CITATIONS = new RegExp(`^(?:${CITATION.source}(?:; (?=\`)|$))*$`);

/** @returns undefined when the cell is not in the one form */
export const citationsIn = (cell: string): Citation[] | undefined =>
  CITATIONS.test(cell)
    ? [...cell.matchAll(new RegExp(CITATION, 'g'))].map(([, file, test]) => ({ file: file!, test: test! }))
    : undefined;

const cellsOf = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

/** Rows of the tables that have a column `state`; those without a column `test` prove nothing. */
export const specRows = (markdown: string): SpecRow[] => {
  const rows: SpecRow[] = [];
  let header: string[] = [];
  let rfc = '';
  for (const [i, line] of markdown.split('\n').entries()) {
    if (line.startsWith('#')) rfc = /RFC \d+/.exec(line)?.[0] ?? '';
    if (!line.startsWith('|')) header = [];
    else if (header.length === 0) header = cellsOf(line);
    else if (!/^[|\s:-]+$/.test(line) && header.includes('state')) {
      const cells = cellsOf(line);
      const cell = (name: string): string => cells[header.indexOf(name)] ?? '';
      rows.push({
        line: i + 1,
        rfc,
        section: cell('section').replace(/^§/, ''),
        musts: Number(cell('musts')),
        state: cell('state'),
        reason: cell('reason'),
        citations: citationsIn(cell('test')),
      });
    }
  }
  return rows;
};

/** What keeps a row from being honest. */
export const rowProblems = ({ state, reason, citations }: SpecRow): string[] => {
  if (!/^(?:done|partly|not|other)(?![\w-])/.test(state))
    return [`the state begins with done, partly or not, or other, but is "${state}"`];
  if (state === 'other' && reason === '') return ['what binds others says whom'];
  if (citations === undefined)
    return ['tests are cited as `file.test.ts` › "name of the test", several parted by "; "'];
  return state.startsWith('done') && citations.length === 0 ? ['done, but no test is cited'] : [];
};

/** Test files that the text names, in tables and outside of them. */
export const filesNamed = (markdown: string): string[] =>
  [...markdown.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, file]) => file!);
