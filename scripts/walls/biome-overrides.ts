import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CORE_BASE, CORE_DENIED_GLOBALS, isCore, testsMay, WALLS, type Wall } from './table.ts';

export type Aliases = readonly { readonly alias: string; readonly folder: string }[];

/** The `#…` aliases of package.json, as folder prefixes. */
export const readAliases = (root: string): Aliases => {
  const { imports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, string>;
  };
  return Object.entries(imports).map(([alias, target]) => ({
    alias: alias.replace('/*', ''),
    folder: target.replace('./', '').replace('/*', ''),
  }));
};

/** Every way to write an import of something in `folder`: by aliases that lie above it, and by those below. */
const patternsFor = (folder: string, aliases: Aliases): string[] =>
  aliases.flatMap(({ alias, folder: base }) => {
    if (`${base}/`.startsWith(`${folder}/`)) return [`${alias}/**`];
    return folder.startsWith(`${base}/`) ? [`${alias}${folder.slice(base.length)}/**`] : [];
  });

const permitted = (wall: Wall, may: readonly string[], aliases: Aliases): string[] => {
  const own = [wall.folder, ...may].flatMap((folder) => patternsFor(folder, aliases));
  const base = isCore(wall) ? patternsFor(CORE_BASE, aliases).map((pattern) => pattern.replace('/**', '/*.ts')) : [];
  return [...own, ...base].map((pattern) => `!${pattern}`);
};

const message = (folder: string, may: readonly string[]): string => {
  const list = may.length === 0 ? 'nothing outside itself' : `only ${may.join(', ')}`;
  return `${folder} may import ${list} (scripts/walls/table.ts).`;
};

const NO_NODE = { group: ['node:*', 'node:*/**'], message: 'A protocol core knows no operating system (contract.ts).' };
const NOT_TESTS = ['!**/*.test.ts', '!**/testing/**'];

const override = (includes: readonly string[], patterns: readonly object[]): object => ({
  includes,
  linter: { rules: { style: { noRestrictedImports: { level: 'error', options: { patterns } } } } },
});

/** Two overrides a wall: for what ships and for the tests beside it. Folders inside have walls of their own. */
const overridesOf = (wall: Wall, may: readonly string[], aliases: Aliases): object[] => {
  const { folder } = wall;
  const outside = WALLS.filter((other) => other.folder.startsWith(`${folder}/`)).map((other) => `!${other.folder}/**`);
  const pattern = (allowed: readonly string[]) => ({
    group: ['#*/**', ...permitted(wall, allowed, aliases)],
    message: message(folder, allowed),
  });
  const tests = [`${folder}/**/*.test.ts`, `${folder}/**/testing/**`];
  return [
    override([`${folder}/**`, ...outside, ...NOT_TESTS], [pattern(may), ...(isCore(wall) ? [NO_NODE] : [])]),
    override([...tests, ...outside], [pattern([...may, ...testsMay(wall)])]),
  ];
};

/** Time, randomness and environment are refused to all cores alike. */
const purity = {
  includes: [`${CORE_BASE}/**`, ...NOT_TESTS],
  plugins: ['./scripts/walls/no-math-random.grit'],
  linter: {
    rules: {
      style: { noRestrictedGlobals: { level: 'error', options: { deniedGlobals: CORE_DENIED_GLOBALS } } },
    },
  },
};

/** The configuration that biome.json extends. */
export const biomeWalls = (aliases: Aliases): object => ({
  overrides: [
    ...WALLS.flatMap((wall) => (wall.may === 'everything' ? [] : overridesOf(wall, wall.may, aliases))),
    purity,
  ],
});
