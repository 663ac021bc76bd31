// Writes the tables of results in interop/README.md from what `cloudbridge interop bgp --json`, `quic --json` and
// `wireguard --json` have printed: node scripts/interop-results.ts FILE...
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CASES } from '#interop/bgp/cases/table.ts';
import { LACKS } from '#interop/bgp/lacks.ts';
import { BGP_PEERS, QUIC_SUITE } from '#interop/registry.ts';
import { CASES as WIREGUARD_CASES } from '#interop/wireguard/cases/table.ts';
import { PEERS as WIREGUARD_PEERS } from '#interop/wireguard/implementations.ts';
import { root } from './setup/paths.mjs';

const PAGE = path.join(root, 'interop/README.md');

/** A line of any of these suites. */
interface Line {
  readonly suite: string;
  readonly case: string;
  readonly peer?: string;
  readonly pass?: boolean;
  readonly skipped?: string;
  readonly role?: string;
  readonly result?: 'passed' | 'failed' | 'lacking' | 'skipped';
}

const MARKS = { passed: '✓', failed: '✗', lacking: 'lacks', skipped: 'skipped' } as const;

/** Columns as wide as what is in them. */
const tableOf = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const text = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  const [head = [], ...rest] = rows;
  return [text(head), text(widths.map((width) => '-'.repeat(width))), ...rest.map(text)].join('\n');
};

/** Of lines that are of one case and peer the last counts; a line without a peer is of all. */
const peersTable = (
  lines: readonly Line[],
  cases: readonly string[],
  peers: readonly string[],
  isLacking: (name: string, peer: string) => boolean = () => false,
): string => {
  const cell = (name: string, peer: string): string => {
    if (isLacking(name, peer)) return MARKS.lacking;
    const line = lines.findLast((one) => one.case === name && (one.peer ?? peer) === peer);
    if (line === undefined) return '';
    if (line.skipped !== undefined) return MARKS.skipped;
    return line.pass === true ? MARKS.passed : MARKS.failed;
  };
  const rows = cases.map((name) => [`\`${name}\``, ...peers.map((peer) => cell(name, peer))]);
  return tableOf([['case', ...peers], ...rows]);
};

const namesOf = (cases: readonly (readonly [name: string, ...rest: unknown[]])[]): string[] =>
  cases.map(([name]) => name);

const bgpTable = (lines: readonly Line[]): string =>
  peersTable(lines, namesOf(CASES), BGP_PEERS, (name, peer) =>
    LACKS.some((one) => one.case === name && one.peer === peer),
  );

const wireguardTable = (lines: readonly Line[]): string => peersTable(lines, namesOf(WIREGUARD_CASES), WIREGUARD_PEERS);

/** A mark for each role: we as the client, we as the server. */
const quicTable = (lines: readonly Line[]): string => {
  const names = [...new Set(lines.map((one) => one.case))];
  const cell = (name: string, peer: string): string =>
    ['client', 'server', 'both']
      .flatMap((role) => {
        const line = lines.findLast((one) => one.case === name && one.peer === peer && one.role === role);
        return line?.result === undefined ? [] : [MARKS[line.result]];
      })
      .join(' ');
  const rows = names.map((name) => [`\`${name}\``, ...QUIC_SUITE.peers.map((peer) => cell(name, peer))]);
  return tableOf([['case', ...QUIC_SUITE.peers], ...rows]);
};

const TABLES = { bgp: bgpTable, quic: quicTable, wireguard: wireguardTable } as const;

/** The page with the tables of the suites that the lines are of. @throws Error where the page has no place for one */
export const withResults = (page: string, lines: readonly Line[]): string => {
  let text = page;
  for (const suite of ['bgp', 'quic', 'wireguard'] as const) {
    const own = lines.filter((one) => one.suite === suite);
    if (own.length === 0) continue;
    const [begin, end] = [`<!-- results of ${suite} -->`, `<!-- end of results of ${suite} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`interop/README.md has no lines \`${begin}\` and \`${end}\`.`);
    text = `${text.slice(0, from + begin.length)}\n\n${TABLES[suite](own)}\n\n${text.slice(to)}`;
  }
  return text;
};

/** What of a page is a table of results, by suite. */
export const resultsIn = (page: string, suite: keyof typeof TABLES): string =>
  new RegExp(`<!-- results of ${suite} -->([\\s\\S]*?)<!-- end of results of ${suite} -->`).exec(page)?.[1] ?? '';

const linesOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(PAGE, withResults(readFileSync(PAGE, 'utf8'), process.argv.slice(2).flatMap(linesOf)));
