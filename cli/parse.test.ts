import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Command, defineCommand } from './command.ts';
import { UsageError } from './failure.ts';
import { findCommand, parseCommandLine } from './parse.ts';

const named = (name: string): Command =>
  defineCommand({ name, summary: '', options: {}, examples: [], run: async () => 0 });

const sample = defineCommand({
  name: 'sample',
  summary: '',
  positionals: [
    { name: 'THING', help: 'what' },
    { name: 'MORE', help: 'and what else', optional: true, repeated: true },
  ],
  options: {
    once: { type: 'boolean', help: '' },
    pops: { type: 'integer', placeholder: 'N', least: 1, most: 3, help: '' },
    kind: { type: 'string', placeholder: 'KIND', choices: ['a', 'b'], help: '' },
    from: { type: 'string', placeholder: 'WHERE', repeated: true, help: '' },
  },
  examples: [],
  run: async () => 0,
});

test('the longest command name wins', () => {
  const commands = [named('bgp'), named('bgp neighbor'), named('bgp neighbor list')];
  assert.equal(findCommand(commands, ['bgp', 'neighbor', 'x'])?.command.name, 'bgp neighbor');
  assert.deepEqual(findCommand(commands, ['bgp', 'neighbor', 'list', 'x'])?.rest, ['x']);
  assert.equal(findCommand(commands, ['ospf']), undefined);
});

test('options, words and the output format are read', () => {
  const parsed = parseCommandLine(sample, ['x', '--once', '--pops=2', '--kind', 'a', 'y', '-o', 'yaml']);
  assert.deepEqual({ ...parsed.options }, { once: true, pops: 2, kind: 'a' });
  assert.deepEqual(parsed.words, ['x', 'y']);
  assert.equal(parsed.format, 'yaml');
  assert.equal(parseCommandLine(sample, ['x', '--json']).format, 'lines');
  assert.deepEqual(parseCommandLine(sample, ['x', '--', '--once']).words, ['x', '--once']);
});

test('an option that may be given several times keeps all its values in order', () => {
  assert.deepEqual(parseCommandLine(sample, ['x', '--from', 'a', '--from=b']).options, { from: ['a', 'b'] });
  assert.deepEqual(parseCommandLine(sample, ['x', '--from', 'a']).options, { from: ['a'] });
});

for (const [args, message] of [
  [['x', '--onse'], /Unknown option `--onse`. Did you mean `--once`/],
  [['x', '-z'], /Unknown option `-z`/],
  [['x', '--pops', '4'], /--pops takes a number, 1 to 3, not `4`/],
  [['x', '--pops', '-1'], /--pops/],
  [['x', '--pops', '1e0'], /--pops/],
  [['x', '--pops'], /--pops needs a value: N/],
  [['x', '--kind', 'c'], /--kind is one of a, b, not `c`/],
  [['x', '--once=yes'], /--once takes no value/],
  [['x', '-o', 'xml'], /--output is one of table, json, yaml/],
  [[], /THING is missing: what/],
] as const) {
  test(`bad usage is told in a sentence: ${args.join(' ')}`, () => {
    assert.throws(() => parseCommandLine(sample, args), { name: 'UsageError', exitCode: 2, message });
  });
}

test('a word too many is refused', () => {
  assert.throws(() => parseCommandLine(named('plain'), ['x']), /`plain` does not take `x`/);
});

test('--help needs no words', () => {
  assert.equal(parseCommandLine(sample, ['--help']).help, true);
});

test('whatever is typed, the parser throws nothing but UsageError', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('--once', '--pops', '-o', 'json', '--', '--kind=a', '--__proto__'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      try {
        parseCommandLine(sample, args);
      } catch (error) {
        assert.ok(error instanceof UsageError, String(error));
      }
    }),
  );
});
