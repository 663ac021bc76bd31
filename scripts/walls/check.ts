// Holds every file against the table of walls, where the linter's patterns do not reach.
// usage: node scripts/walls/check.ts [--fix]   --fix: rewrites relative imports that leave their folder to aliases
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/paths.mjs';
import { sourceFiles } from '../source-files.ts';
import { readAliases } from './biome-overrides.ts';
import { type Violation, wallViolations } from './imports.ts';

const aliases = readAliases(root);
const fix = process.argv.includes('--fix');

const rewrite = (file: string, violations: readonly Violation[]): readonly Violation[] => {
  let source = readFileSync(path.join(root, file), 'utf8');
  for (const { rewrite } of violations) if (rewrite) source = source.replaceAll(`'${rewrite.from}'`, `'${rewrite.to}'`);
  writeFileSync(path.join(root, file), source);
  return violations.filter((violation) => violation.rewrite === undefined);
};

const files = sourceFiles('*.ts', ':!:*/gen/*', ':!:*.d.ts');
let count = 0;
for (const file of files) {
  const violations = wallViolations(file, readFileSync(path.join(root, file), 'utf8'), aliases);
  if (violations.length === 0) continue;
  for (const { problem } of fix ? rewrite(file, violations) : violations) {
    console.error(`${file}: ${problem}.`);
    count++;
  }
}
if (count === 0) console.log(`${files.length} files keep to their walls.`);
else process.exitCode = 1;
