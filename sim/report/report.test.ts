import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLines, replaceTable, toCsv, toTable } from './figures.ts';
import { drawPlot } from './plot.ts';

const PRINTED = [
  '{"suite":"bbr","case":"queue","metric":"utilisation","value":0.5,"unit":"ratio","bar":0.9,"pass":false}',
  'a remark',
  '{"suite":"bbr","case":"queue","metric":"utilisation","value":0.97,"unit":"ratio","runs":5,"min":0.96,"max":0.98,"bar":0.9,"pass":true}',
  '{"suite":"bbr","case":"queue","metric":"delay","value":12,"unit":"ms","peer":"cubic"}',
].join('\n');

test('the latest figure of a name counts; a comma-separated row for each', () => {
  const lines = readLines(PRINTED);
  assert.equal(lines.length, 2);
  assert.deepEqual(toCsv(lines).split('\n'), [
    'suite,case,metric,peer,value,min,max,runs,unit,bar,pass',
    'bbr,queue,utilisation,,0.97,0.96,0.98,5,ratio,0.9,true',
    'bbr,queue,delay,cubic,12,,,,ms,,',
    '',
  ]);
});

test('the table stands between its marks, however often it is written', () => {
  const table = toTable(readLines(PRINTED));
  assert.match(table, /\| bbr queue \| utilisation +\| 0\.97 +\| 0\.96 … 0\.98 \| 0\.9 met \|/);
  const page = 'before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n';
  const written = replaceTable(page, table);
  assert.ok(written.startsWith('before') && written.endsWith('after\n') && !written.includes('old'));
  assert.equal(replaceTable(written, table), written);
  assert.throws(() => replaceTable('nothing', table), RangeError);
});

test('a plot has a line for each row of values, within its frame', () => {
  const lines = [
    { label: 'a', values: [0, 1, 2] },
    { label: 'b<c', values: [10, 5, 0] },
  ];
  const svg = drawPlot({ title: 'T', measure: 'm', stepSeconds: 0.5, lines });
  assert.equal(svg.match(/<polyline/g)?.length, 2);
  assert.ok(svg.includes('b&lt;c'));
  const points = [...svg.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
  assert.equal(points.length, 6);
  for (const [x, y] of points) assert.ok(x > 0 && x < 760 && y >= 34 && y <= 260, `${x},${y}`);
});
