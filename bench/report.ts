/**
 * Writes the table of docs/performance.md: `node bench/report.ts FILE…`, where the files hold what
 * `cloudbridge bench … --json` printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readLines, replaceTable, toTable } from '#sim/report/figures.ts';

const page = path.resolve(import.meta.dirname, '../docs/performance.md');
const texts = process.argv.slice(2).map((file) => readFileSync(file, 'utf8'));
writeFileSync(page, replaceTable(readFileSync(page, 'utf8'), toTable(readLines(texts.join('\n')))));
