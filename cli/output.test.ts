import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'yaml';
import { type Format, Output } from './output.ts';

const rows = [
  { name: 'moscow', sessions: 3, note: 'yes: "quoted" — да' },
  { name: 'frankfurt', sessions: 0, note: '' },
];
const fields = [
  { heading: 'name', cell: (row: (typeof rows)[number]) => row.name },
  { heading: 'sessions', align: 'right' as const, cell: (row: (typeof rows)[number]) => `${row.sessions}` },
];

const capture = (format: Format, use: (output: Output) => void): { stdout: string; stderr: string } => {
  const text = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (more: string) => {
      text[name] += more;
    },
  });
  use(new Output(format, sink('stdout'), sink('stderr')));
  return text;
};

test('a list as a table, JSON, JSON lines and YAML', () => {
  const shown = (format: Format) => capture(format, (output) => output.list(fields, rows)).stdout;
  assert.equal(shown('table'), 'NAME       SESSIONS\nmoscow            3\nfrankfurt         0\n');
  assert.deepEqual(JSON.parse(shown('json')), rows);
  const lines = shown('lines').trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    rows,
  );
  assert.deepEqual(parse(shown('yaml')), rows);
});

test('remarks go to stderr, results to stdout', () => {
  const text = capture('lines', (output) => {
    output.remark('working');
    output.line({ value: 1 });
  });
  assert.deepEqual(text, { stdout: '{"value":1}\n', stderr: 'working\n' });
});
