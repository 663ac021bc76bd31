import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { root } from '../setup/paths.mjs';
import { biomeWalls, readAliases } from './biome-overrides.ts';
import { importsOf, wallViolations } from './imports.ts';
import { CORE_DENIED_GLOBALS, isCore, WALLS, type Wall, wallOf } from './table.ts';

const aliases = readAliases(root);

test('the generated rules are those of the table', () => {
  const committed = JSON.parse(readFileSync(path.join(root, 'scripts/walls/gen/biome.json'), 'utf8')) as unknown;
  assert.deepEqual(committed, JSON.parse(JSON.stringify(biomeWalls(aliases))));
});

/** An import of a folder, as code would write it. */
const aliased = (folder: string): string | undefined => {
  const entry = aliases
    .filter((each) => folder === each.folder || folder.startsWith(`${each.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
  return entry && `${entry.alias}${folder.slice(entry.folder.length)}/probe.ts`;
};

const isPermitted = (wall: Wall, folder: string): boolean =>
  wall.may === 'everything' ||
  [wall.folder, ...wall.may].some((allowed) => folder === allowed || folder.startsWith(`${allowed}/`));

// A probe named `probe.ts` right under `pop-worker/protocol` is one of the contract's files, which every core may use.
const isShared = (wall: Wall, folder: string): boolean => isCore(wall) && folder === 'pop-worker/protocol';

type Probe = { readonly file: string; readonly source: string; readonly refused: boolean; readonly why: string };

const importProbes: Probe[] = WALLS.filter(({ may }) => may !== 'everything').flatMap((wall) =>
  WALLS.flatMap(({ folder }, i) => {
    const specifier = aliased(folder);
    if (specifier === undefined) return [];
    const refused = !isPermitted(wall, folder) && !isShared(wall, folder);
    return [{ file: `${wall.folder}/p${i}.ts`, source: `import '${specifier}';\n`, refused, why: specifier }];
  }),
);

const CORE = 'pop-worker/protocol/ip';
const purityProbes: Probe[] = [
  ...Object.keys(CORE_DENIED_GLOBALS).map((name) => ({
    file: `${CORE}/g-${name}.ts`,
    source: `export const x = ${name};\n`,
  })),
  { file: `${CORE}/random.ts`, source: 'export const x = Math.random();\n' },
  { file: `${CORE}/node.ts`, source: "import 'node:fs';\n" },
  { file: `${CORE}/node-deep.ts`, source: "import 'node:fs/promises';\n" },
].flatMap(({ file, source }) => [
  { file, source, refused: true, why: source.trim() },
  { file: file.replace('.ts', '.test.ts'), source, refused: false, why: `${source.trim()} in a test` },
  { file: file.replace(CORE, `${CORE}/testing`), source, refused: false, why: `${source.trim()} in testing/` },
]);

const testProbes: Probe[] = (
  [
    ['#protocol/masque/x.ts', false],
    ['#scripts/setup/paths.mjs', false],
    ['#scripts/corpus/corpus.ts', false],
    ['#model/x.ts', true],
    ['#scripts/test.ts', true],
  ] as const
).map(([why, refused], i) => ({ file: `${CORE}/t${i}.test.ts`, source: `import '${why}';\n`, refused, why }));

const probes = [...testProbes, ...importProbes, ...purityProbes];
const RULES = /^(?:lint\/style\/noRestricted(?:Imports|Globals)|plugin)/;
let folder = '';
let refusedFiles = new Set<string>();

type Report = { diagnostics: { category: string; location: { path: string | { file: string } } }[] };

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-walls-'));
  const config = JSON.parse(readFileSync(path.join(root, 'biome.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(path.join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
  cpSync(path.join(root, 'scripts/walls'), path.join(folder, 'scripts/walls'), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  for (const { file, source } of probes) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), source);
  }
  const folders = readdirSync(folder).filter((name) => !['scripts', 'node_modules', 'biome.json'].includes(name));
  const { stdout } = spawnSync(
    path.join(root, 'node_modules/.bin/biome'),
    ['lint', '--reporter=json', '--max-diagnostics=none', ...folders],
    { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  const { diagnostics } = JSON.parse(stdout) as Report;
  refusedFiles = new Set(
    diagnostics
      .filter(({ category }) => RULES.test(category))
      .map(({ location }) => (typeof location.path === 'string' ? location.path : location.path.file)),
  );
});

after(() => rmSync(folder, { recursive: true, force: true }));

const compare = (some: readonly Probe[]): void => {
  for (const { file, refused, why } of some) {
    assert.equal(refusedFiles.has(file), refused, `${why} from ${file} is ${refused ? 'refused' : 'let through'}`);
  }
};

for (const wall of WALLS.filter(({ may }) => may !== 'everything')) {
  test(`${wall.folder} may import what the table says and nothing else`, () => {
    const own = importProbes.filter(({ file }) => path.posix.dirname(file) === wall.folder);
    assert.ok(own.some(({ refused }) => refused));
    compare(own);
  });
}

test('cores touch no clock, chance, timer, environment or node: module; their tests may', () => compare(purityProbes));

test('a test of a core may use the cores above it and what set-up found, nothing more', () => compare(testProbes));

test('relative imports that leave their folder are refused, with the alias to write', () => {
  const violations = (file: string, source: string) =>
    wallViolations(file, source, aliases).map(({ problem }) => problem);
  assert.deepEqual(violations('pop-worker/protocol/quic/wire/x.ts', "import { a } from '../../ip/text.ts';\n"), [
    '`../../ip/text.ts` leaves pop-worker/protocol/quic by a relative path: write `#protocol/ip/text.ts`',
  ]);
  assert.deepEqual(violations('cli/commands/x.ts', "export * from '../../lab/lab.ts';\n").length, 1);
  assert.deepEqual(violations('pop-worker/protocol/quic/x.ts', "import type { A } from '../contract.ts';\n"), []);
  assert.deepEqual(violations('pop-worker/protocol/quic/wire/x.ts', "import { a } from '../errors.ts';\n"), []);
  assert.deepEqual(violations('pop-worker/host/udp/x.ts', "import { a } from '../native.ts';\n"), []);
});

test('a core imports no package, its test does', () => {
  const source = "import fc from 'fast-check';\n";
  assert.equal(wallViolations('pop-worker/protocol/ip/x.ts', source, aliases).length, 1);
  assert.equal(wallViolations('pop-worker/protocol/ip/x.test.ts', source, aliases).length, 0);
});

test('a folder without a row is told', () => {
  assert.match(wallViolations('pop/x.ts', '', aliases)[0]!.problem, /has no row/);
  assert.equal(wallOf('pop-worker/protocol/quic/wire/x.ts')?.folder, 'pop-worker/protocol/quic');
});

test('imports are found in every form, and only they', () => {
  const source = `import a from './a.ts';
import {
  b,
} from './b.ts';
import './c.ts';
export * from './d.ts';
export type { E } from './e.ts';
const f = await import('./f.ts');
export const message = 'copied from "x"';
// import g from './g.ts';
`;
  assert.deepEqual(importsOf(source), ['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts']);
});
