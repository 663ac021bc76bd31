/**
 * Writes what docs/congestion.md shows: `node sim/report/main.ts FIGURES.jsonl…`, where the files hold what
 * `cloudbridge sim … --json` and `cloudbridge bench congestion --json` printed. The plots are computed anew, each with seed 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readLines, replaceTable, toCsv, toTable } from './figures.ts';
import { drawPlot } from './plot.ts';
import { PLOTS } from './plots.ts';

const docs = path.resolve(import.meta.dirname, '../../docs');
const folder = path.join(docs, 'congestion');
const page = path.join(docs, 'congestion.md');

const files = process.argv.slice(2);
if (files.length > 0) {
  const lines = readLines(files.map((file) => readFileSync(file, 'utf8')).join('\n'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'figures.csv'), toCsv(lines));
  writeFileSync(page, replaceTable(readFileSync(page, 'utf8'), toTable(lines)));
}
mkdirSync(folder, { recursive: true });
for (const [name, plot] of Object.entries(PLOTS)) writeFileSync(path.join(folder, `${name}.svg`), drawPlot(plot()));
