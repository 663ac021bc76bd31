import assert from 'node:assert/strict';
import test from 'node:test';
import { citationsIn, hasTest } from './spec-citations.ts';

test('citations are read with and without backticks and names', () => {
  const markdown = `| §13.2.1 | done | \`ack/receiver.test.ts\` › "acks every second packet" |
| §5 | partly | rtt.test.ts › \`first sample\`, \`loss.test.ts\` |`;
  assert.deepEqual(citationsIn(markdown), [
    { file: 'ack/receiver.test.ts', test: 'acks every second packet' },
    { file: 'rtt.test.ts', test: 'first sample' },
    { file: 'loss.test.ts', test: undefined },
  ]);
});

test('a test is found by its whole title, in any quotes, also where the title has holes', () => {
  const source = `test('it\\'s there', () => {});
describe("group", () => { it.skip(\`with \${n} PoPs\`, f); });`;
  assert.ok(hasTest(source, "it's there"));
  assert.ok(hasTest(source, 'group'));
  assert.ok(hasTest(source, 'with 3 PoPs'));
  assert.ok(!hasTest(source, 'with 3 Po'));
  assert.ok(!hasTest(source, 'there'));
});
