// The whole check: types, linter, walls, citations, dead code, sanitizers, then every test. Its last lines are the runner's.
// usage: npm test [-- FILE OR PATTERN…]   with patterns: only these tests, and none of the checks
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { styleText } from 'node:util';
import { home, root } from './setup/paths.mjs';
import { citedTests, readSpecs } from './spec-files.ts';
import { unexpectedSkips } from './test/allowed-skips.ts';
import type { SkippedTest } from './test/skip-reporter.ts';

type Check = { readonly name: string; readonly command: string; readonly args: readonly string[] };

const node = process.execPath;
const tool = (name: string): string => path.join(root, 'node_modules/.bin', name);

const CHECKS: readonly Check[] = [
  { name: 'types', command: tool('tsc'), args: ['-p', 'tsconfig.json'] },
  { name: 'types-core', command: tool('tsc'), args: ['-p', 'tsconfig.core.json'] },
  { name: 'types-edge', command: tool('tsc'), args: ['-p', 'edge/tsconfig.json'] },
  { name: 'walls-generated', command: node, args: ['scripts/walls/generate.ts', '--check'] },
  { name: 'walls', command: node, args: ['scripts/walls/check.ts'] },
  { name: 'lint', command: tool('biome'), args: ['check', '--error-on-warnings', '.'] },
  { name: 'spec', command: node, args: ['scripts/check-spec.ts'] },
  { name: 'dead-code', command: tool('knip'), args: [] },
  // Without tests: what only they use is dead.
  { name: 'dead-product', command: tool('knip'), args: ['--production'] },
  { name: 'sanitizers', command: node, args: ['scripts/test-native-sanitized.mjs'] },
];

const logs = path.join(home, 'log', 'test');
const { CI = '' } = process.env;
const inCi = !['', '0', 'false'].includes(CI);
const inColour = (style: 'green' | 'red', text: string) => styleText(style, text, { stream: process.stdout });

const both = (inherit: boolean): ['inherit', 'inherit'] | ['pipe', 'pipe'] =>
  inherit ? ['inherit', 'inherit'] : ['pipe', 'pipe'];

const run = (command: string, args: readonly string[], inherit: boolean): Promise<{ ok: boolean; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', ...both(inherit)] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', ({ message }) => resolve({ ok: false, output: message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });

/** So much of a check that failed is told once more at the end, where a long log is read first. */
const LAST_LINES = 40;

const logOf = (name: string): string => path.join(logs, `${name}.log`);

/** Runs one check; its output is shown only when it failed. Resolves to whether it passed. */
const check = async ({ name, command, args }: Check): Promise<boolean> => {
  const start = performance.now();
  const { ok, output } = await run(command, args, false);
  writeFileSync(logOf(name), output);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${ok ? inColour('green', '✓') : inColour('red', '✗')} ${name.padEnd(16)} ${seconds} s`);
  if (!ok) console.log(output.trimEnd());
  return ok;
};

const readSkips = (file: string): SkippedTest[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as SkippedTest)
    : [];

/** Node's own runner, two files at a time. Resolves to whether all passed and, in CI, none was skipped that must not be. */
const runTests = async (patterns: readonly string[]): Promise<boolean> => {
  const skips = path.join(logs, 'skips.jsonl');
  const { ok } = await run(
    node,
    [
      '--test',
      '--test-concurrency=2',
      '--test-timeout=300000',
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=./scripts/test/skip-reporter.ts', `--test-reporter-destination=${skips}`],
      ...patterns,
    ],
    true,
  );
  const skipped = readSkips(skips);
  const unexpected = unexpectedSkips(skipped);
  for (const { name, reason } of unexpected) {
    console.error(`${inCi ? 'Unexpected skip' : 'Skipped here, would fail in CI'}: ${name} (${reason || 'no reason'})`);
  }
  const cited = citedTests(readSpecs());
  const unproven = skipped.filter(({ name }) => cited.has(name));
  for (const { name } of unproven) console.error(`${cited.get(name)} cites a test that was skipped, no proof: ${name}`);
  return ok && !(inCi && unexpected.length + unproven.length > 0);
};

const HELP = `Usage
  npm test                          the checks (${CHECKS.map(({ name }) => name).join(', ')}), then every test
  npm test -- FILE OR GLOB…         these tests only, and none of the checks
  npm test -- --test-name-pattern=TEXT FILE…   of these those whose name has it; so with any option of \`node --test\`

What a check says is shown where it fails and kept in ${path.relative(root, logs)}/. A test that is skipped is told at the
end; where CI is set, that is a failure unless scripts/test/allowed-skips.json allows it.
Exit code 1 when a check or a test failed.`;

const patterns = process.argv.slice(2);
if (patterns.some((word) => ['--help', '-h'].includes(word))) {
  console.log(HELP);
  process.exit();
}
mkdirSync(logs, { recursive: true });
const failed: string[] = [];
for (const one of patterns.length === 0 ? CHECKS : []) if (!(await check(one))) failed.push(one.name);
const passed = await runTests(patterns.length > 0 ? patterns : ['**/*.test.ts']);
for (const name of failed) {
  const lines = readFileSync(logOf(name), 'utf8').trimEnd().split('\n');
  console.error([`The last lines of ${name}:`, ...lines.slice(-LAST_LINES)].join('\n'));
}
if (failed.length > 0) console.error(`Checks that failed: ${failed.join(', ')}. Logs: ${path.relative(root, logs)}/`);
if (failed.length > 0 || !passed) process.exitCode = 1;
