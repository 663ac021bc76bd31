import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { CASE_NAMES, type Cell, choose, type Result, runCell, type Selection } from '#interop/quic/matrix.ts';
import { QUIC_SUITE } from '#interop/registry.ts';
import { isAllowedSkip } from './allowed-skips.ts';
import { controllerFromEnvironment } from './congestion-controller.ts';
import { FAILURE, SUCCESS, UsageError } from './failure.ts';
import type { Output } from './output.ts';
import { formatFigure } from './report.ts';
import { didYouMean } from './suggest.ts';

const MARKS = {
  passed: ['green', '✓'],
  failed: ['red', '✗'],
  lacking: ['gray', '-'],
  skipped: ['yellow', '-'],
} as const;
const SECONDS_WIDTH = 7;

/** Rows come one by one and line up all the same: what can stand in them is known before. */
const rowsFor = (cells: readonly Cell[]) => {
  const longest = (of: (cell: Cell) => string): number => Math.max(0, ...cells.map((cell) => of(cell).length));
  const [caseWidth, peerWidth] = [longest(({ one }) => one.name), longest(({ peer }) => peer)];
  const count = String(cells.length).length;
  return (
    output: Output,
    i: number,
    { one, peer, role }: Cell,
    { result, seconds, reason, measured }: Result,
  ): string => {
    const [colour, mark] = MARKS[result];
    const figure = measured && formatFigure(measured.value, measured.unit);
    return [
      `${String(i + 1).padStart(count)}/${cells.length}`,
      output.paint(colour, mark),
      one.name.padEnd(caseWidth),
      peer.padEnd(peerWidth),
      role.padEnd('server'.length),
      `${seconds.toFixed(1)} s`.padStart(SECONDS_WIDTH),
      [figure, result === 'lacking' || result === 'skipped' ? `${result}: ${reason}` : reason]
        .filter(Boolean)
        .join(' '),
    ]
      .join('  ')
      .trimEnd();
  };
};

const lineOf = ({ one, peer, role }: Cell, { measured, ...rest }: Result): object => ({
  suite: 'quic',
  case: one.name,
  peer,
  role,
  ...rest,
  ...(measured && { value: measured.value, unit: measured.unit }),
});

const mustBe = (what: string, names: readonly string[], wanted: readonly string[]): void => {
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UsageError(
    `There is no ${what} \`${unknown}\`: there is ${names.join(', ')}.${didYouMean(unknown, names)}`,
  );
};

/** @param traces folder that keeps what either end of the link saw, a folder a row */
export const runQuic = async (output: Output, selection: Selection, traces?: string): Promise<number> => {
  // Our programs take it from the environment.
  controllerFromEnvironment();
  mustBe('case', CASE_NAMES, selection.cases);
  mustBe('peer', QUIC_SUITE.peers, selection.peers);
  const cells = choose(selection);
  const rowOf = rowsFor(cells);
  const counts = { passed: 0, failed: 0, lacking: 0, skipped: 0 };
  let bad = 0;
  for (const [i, cell] of cells.entries()) {
    const { one, peer, role } = cell;
    const folder = traces && path.join(traces, `${one.name}-${peer}-${role}`);
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
    const result = await runCell(cell, folder);
    counts[result.result]++;
    const excused = result.result === 'skipped' && isAllowedSkip('interop', `quic/${one.name}`, result.reason ?? '');
    if (result.result === 'failed' || (result.result === 'skipped' && !excused)) bad++;
    if (output.isForPrograms) output.line(lineOf(cell, result));
    else output.print(rowOf(output, i, cell, result));
  }
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  output.remark(told.map(([name, count]) => `${count} ${name}`).join(', '));
  return bad === 0 ? SUCCESS : FAILURE;
};
