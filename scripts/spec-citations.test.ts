import assert from 'node:assert/strict';
import test from 'node:test';
import { findTest, partsOf } from './cited-test.ts';
import { citationsIn, filesNamed, rowProblems, specRows } from './spec-citations.ts';
import { citedTests } from './spec-files.ts';
import { mustProblems } from './spec-musts.ts';

test('there is one form of citation', () => {
  assert.deepEqual(citationsIn('`ack/receiver.test.ts` › "acks every second packet"; `../x.test.ts` › "a | b"'), [
    { file: 'ack/receiver.test.ts', test: 'acks every second packet' },
    { file: '../x.test.ts', test: 'a | b' },
  ]);
  assert.deepEqual(citationsIn(''), []);
  for (const cell of [
    '`loss.test.ts`',
    'loss.test.ts › "first"',
    '`loss.test.ts`: first',
    '`loss.test.ts` › `first`',
    '`loss.test.ts` › "first", `loss.test.ts` › "second"',
    '`loss.test.ts` › "first";',
    '`loss.test.ts` › "first" and more',
    '`loss.ts` › "first"',
    '-',
  ]) {
    assert.equal(citationsIn(cell), undefined, cell);
  }
});

const SPEC = `# A protocol

Suites are in \`suite.test.ts\`.

| section | state        | test                             | reason |
| ------- | ------------ | -------------------------------- | ------ |
| §1      | done         | \`a.test.ts\` › "one \\| the other" |        |
| §2      | done, mostly |                                  | why    |
| §3      | partly: some |                                  |        |
| §4      | undone       |                                  |        |
| §5      | not          | whatever                         |        |

| folder | what lives there |
| ------ | ---------------- |
| x      | done             |
`;

test('each row of a table with states is judged, others are let alone', () => {
  const rows = specRows(SPEC);
  assert.deepEqual(
    rows.map(({ line }) => line),
    [7, 8, 9, 10, 11],
  );
  assert.deepEqual(rows[0]?.citations, [{ file: 'a.test.ts', test: 'one | the other' }]);
  const problems = rows.map(rowProblems);
  assert.deepEqual(problems[0], []);
  assert.match(problems[1]?.[0] ?? '', /done, but no test is cited/);
  assert.deepEqual(problems[2], []);
  assert.match(problems[3]?.[0] ?? '', /begins with done, partly or not, or other, but is "undone"/);
  assert.match(problems[4]?.[0] ?? '', /tests are cited as/);
  assert.deepEqual(filesNamed(SPEC), ['suite.test.ts', 'a.test.ts']);
});

test('a citation names its test as the runner tells of it when it is skipped', () => {
  const cited = citedTests([
    { file: 'pop-worker/quic/SPEC.md', rows: specRows(SPEC.replace('a.test', '../b.test')), named: [] },
  ]);
  assert.deepEqual([...cited], [['pop-worker/b.test.ts › one | the other', 'pop-worker/quic/SPEC.md:7']]);
});

const found = (source: string, name: string, suites: readonly string[] = [], tables: readonly string[] = []) =>
  findTest({ source, suites, tables }, name);

test('a test is found by its whole title, in any quotes', () => {
  const source = `test('it\\'s there', () => {});\ndescribe("group", () => {\n  it(\`no 'quotes' matter\`, f);\n});`;
  assert.equal(found(source, "it's there"), 'runs');
  assert.equal(found(source, 'group'), 'runs');
  assert.equal(found(source, "no 'quotes' matter"), 'runs');
  assert.equal(found(source, 'there'), undefined);
  assert.equal(found("// test('gone', f);\n/* test('lost', f); */\nconst url = 'http://x';", 'gone'), undefined);
  assert.equal(found("/* test('lost', f); */", 'lost'), undefined);
});

test('a skipped test is told from one that runs, and from one that runs where it can', () => {
  for (const source of [
    "test.skip('a', f);",
    "it.todo('a');",
    "test('a', { skip: true }, f);",
    "test('a', { timeout: 5, skip: 'later' }, f);",
    "test('a', { todo: `x` }, f);",
  ]) {
    assert.equal(found(source, 'a'), 'skipped', source);
  }
  assert.equal(found("test('a', { skip: needsNamespaces }, f);", 'a'), 'runs');
  assert.equal(found("test('a', { skip: false }, f);", 'a'), 'runs');
});

test('where a title has holes, what fills them stands in the file or in its tables', () => {
  const source = `for (const name of ['a peer']) test(\`told by \${name}, \${2}\`, f);`;
  assert.equal(found(source, 'told by a peer, 2'), 'runs');
  assert.equal(found(source, 'told by a stranger, 2'), undefined);
  assert.equal(found(source, 'told by a peer'), undefined);
  assert.equal(found('test(`$' + '{anything}`, f);', 'whatever'), undefined);
});

test('where titles come from a table, the name stands there', () => {
  const source = "for (const { name } of cases) test(name, f);\nconst more = ['own'];";
  const tables = ['[{ "name": "PING in \\"0-RTT\\"" }]'];
  assert.equal(found(source, 'PING in "0-RTT"', [], tables), 'runs');
  assert.equal(found(source, 'own', [], tables), 'runs');
  assert.equal(found(source, 'PING', [], tables), undefined);
  assert.equal(found("const more = ['own'];", 'own'), undefined);
});

test('tests of a suite that a file imports are its own', () => {
  const source =
    "import { s } from './testing/suite-loss.ts';\nimport { p } from '#protocol/quic/testing/suite-paths.ts';";
  const table = "readFileSync(new URL('./testing/corpus/frames.json', import.meta.url))";
  assert.deepEqual(partsOf(`${source}\n${table}`), {
    suites: ['./testing/suite-loss.ts', '#protocol/quic/testing/suite-paths.ts'],
    tables: ['./testing/corpus/frames.json'],
  });
  assert.equal(found(source, 'survives loss', ["it('survives loss', f);"]), 'runs');
});

test('what binds others says whom', () => {
  const rows = specRows('| state | reason |\n| - | - |\n| other | IANA |\n| other | |\n');
  assert.deepEqual(rows.map(rowProblems), [[], ['what binds others says whom']]);
});

test('every MUST of a section has its row', () => {
  const table = (first: string) =>
    `# Of RFC 1\n\n| section | musts | state |\n| - | - | - |\n| §2.1 | ${first} | not |\n| §2.1 | 1 | not |\n| §3 | 1 | not |\n`;
  const problems = (first: string) =>
    mustProblems({ 'RFC 1': { '2.1': 3, '3': 1 } }, [{ rows: specRows(table(first)) }]);
  assert.deepEqual(problems('2'), []);
  assert.deepEqual(problems('1'), ['RFC 1 §2.1 says MUST 3 times, the tables tell of 2']);
  assert.deepEqual(problems('3'), ['RFC 1 §2.1 says MUST 3 times, the tables tell of 4']);
  assert.deepEqual(mustProblems({}, [{ rows: specRows(table('2')) }]).length, 2);
  assert.deepEqual(mustProblems({ 'RFC 2': { '1': 1 } }, []), ['RFC 2 §1 says MUST 1 times, the tables tell of 0']);
});
