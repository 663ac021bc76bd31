import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposition } from './exposition.ts';
import { LAYOUT } from './slots.ts';
import { readExposition } from './testing/read-exposition.ts';

test('what a worker shows is read back, each series once', () => {
  const slots = Float64Array.from({ length: LAYOUT.length }, (_, i) => i + 0.5);
  const samples = readExposition(exposition([slots]));
  for (const { spec, labels, at } of LAYOUT.series) {
    if (spec.type === 'histogram') continue;
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    assert.equal(samples.get(`${spec.name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`), at + 0.5);
  }
});

const HEAD = '# HELP a x\n# TYPE a counter\n';
const HISTOGRAM = '# HELP a x\n# TYPE a histogram\n';

for (const [what, text] of Object.entries({
  'without an end': `${HEAD}a 1`,
  'without a type': '# HELP a x\na 1\n',
  'without a help': '# TYPE a counter\na 1\n',
  'of another family': `${HEAD}b 1\n`,
  'twice the same series': `${HEAD}a 1\na 2\n`,
  'twice the same family': `${HEAD}a 1\n${HEAD}`,
  'with an open quote': `${HEAD}a{b="c} 1\n`,
  'with a value that is none': `${HEAD}a NaN1\n`,
  'with an empty line': `${HEAD}\na 1\n`,
  'whose buckets go down': `${HISTOGRAM}a_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n`,
  'whose bounds go down': `${HISTOGRAM}a_bucket{le="2"} 1\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\na_count 1\n`,
  'whose buckets do not end in the count': `${HISTOGRAM}a_bucket{b="c",le="+Inf"} 1\na_count{b="c"} 2\n`,
  'without the last bucket': `${HISTOGRAM}a_bucket{le="1"} 1\na_count 1\n`,
})) {
  test(`an exposition ${what} is refused`, () => assert.throws(() => readExposition(text), RangeError));
}
