import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { displayWidth, renderTable } from './table.ts';

test('width counts what a terminal shows', () => {
  assert.equal(displayWidth('Москва'), 6);
  assert.equal(displayWidth('東京'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(displayWidth('👍'), 2);
  assert.equal(displayWidth('\u001b[31mred\u001b[39m'), 3);
});

test('columns line up, also with wide characters and colours', () => {
  const rows = [
    ['\u001b[32mok\u001b[39m', '東京', '1'],
    ['missing', 'Москва', '200'],
  ];
  const columns = [{ heading: 'state' }, { heading: 'place' }, { heading: 'n', align: 'right' as const }];
  assert.deepEqual(renderTable(columns, rows), [
    'STATE    PLACE     N',
    '\u001b[32mok\u001b[39m       東京      1',
    'missing  Москва  200',
  ]);
});

test('every cell starts in the same column in every row, and no line ends in a space', () => {
  const cell = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'ж', '東', 'e\u0301', '👍') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }), (rows) => {
      const lines = renderTable([{ heading: 'a' }, { heading: 'b' }], rows);
      const starts = rows.map(([, second], i) => displayWidth(lines[i + 1]!) - displayWidth(second));
      assert.equal(new Set(starts).size, 1);
      for (const line of lines) assert.equal(line, line.trimEnd());
    }),
  );
});
