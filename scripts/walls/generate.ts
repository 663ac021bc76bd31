// Writes the linter's rules from the table of walls. usage: node scripts/walls/generate.ts [--check]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/paths.mjs';
import { biomeWalls, readAliases } from './biome-overrides.ts';

const file = path.join(root, 'scripts/walls/gen/biome.json');
const text = `${JSON.stringify(biomeWalls(readAliases(root)), null, 2)}\n`;
const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
if (text === current) {
  console.log('The walls are up to date.');
} else if (process.argv.includes('--check')) {
  console.error('scripts/walls/gen/biome.json is behind the table: run `node scripts/walls/generate.ts`.');
  process.exitCode = 1;
} else {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`${path.relative(root, file)} is written.`);
}
