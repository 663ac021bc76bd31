// Is each row of the SPEC*.md honest? One that says "done" cites a test, and each cited test exists and is not skipped.
// Is each MUST of the RFCs in spec-musts.json told of?
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findTest, partsOf, type TestFile } from './cited-test.ts';
import { root } from './setup/paths.mjs';
import { rowProblems } from './spec-citations.ts';
import { readSpecs, type SpecFile } from './spec-files.ts';
import { mustProblems, readMusts } from './spec-musts.ts';
import { readAliases } from './walls/biome-overrides.ts';

let cited = 0;
let wrong = 0;

const complain = (text: string): void => {
  console.error(text);
  wrong++;
};

const aliases = readAliases(root);

/** @param part as `file` imports or reads it */
const locate = (file: string, part: string): string => {
  const entry = aliases.find(({ alias }) => part.startsWith(`${alias}/`));
  return entry === undefined
    ? path.join(path.dirname(file), part)
    : path.join(root, entry.folder, part.slice(entry.alias.length));
};

const readTestFile = (file: string): TestFile => {
  const source = readFileSync(file, 'utf8');
  const { suites, tables } = partsOf(source);
  const read = (part: string): string => readFileSync(locate(file, part), 'utf8');
  return { source, suites: suites.map(read), tables: tables.map(read) };
};

const check = ({ file: spec, rows, named }: SpecFile): void => {
  const folder = path.join(root, path.dirname(spec));
  const missing = new Set(named.filter((file) => !existsSync(path.join(folder, file))));
  for (const file of missing) complain(`${spec}: there is no ${file}.`);
  for (const row of rows) {
    for (const problem of rowProblems(row)) complain(`${spec}:${row.line}: ${problem}.`);
    for (const { file, test } of row.citations ?? []) {
      cited++;
      if (missing.has(file)) continue;
      const found = findTest(readTestFile(path.join(folder, file)), test);
      if (found === undefined) complain(`${spec}:${row.line}: ${file} has no test "${test}".`);
      if (found === 'skipped') complain(`${spec}:${row.line}: "${test}" of ${file} is skipped: no proof.`);
    }
  }
};

const specs = readSpecs();
for (const spec of specs) check(spec);
const musts = readMusts();
for (const problem of mustProblems(musts, specs)) complain(`${problem}.`);
const total = Object.values(musts)
  .flatMap((sections) => Object.values(sections))
  .reduce((sum, n) => sum + n, 0);
if (wrong === 0) console.log(`${cited} cited tests exist and are not skipped; ${total} MUSTs have their rows.`);
else process.exitCode = 1;
