import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CidTable } from './cid-table.ts';

const cid = fc.uint8Array({ minLength: 1, maxLength: 20 });
const command = fc.record({ kind: fc.constantFrom('set', 'delete', 'get'), cid, value: fc.nat() });

describe('cid table', () => {
  it('behaves as a map of strings does', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), fc.integer(), (commands, seed) => {
        const table = new CidTable<number>(seed);
        const model = new Map<string, number>();
        for (const { kind, cid, value } of commands) {
          const key = cid.join();
          if (kind === 'set') {
            table.set(cid, value);
            model.set(key, value);
          } else if (kind === 'delete') {
            table.delete(cid);
            model.delete(key);
          }
          assert.equal(table.get(cid, 0, cid.length), model.get(key));
        }
        assert.equal(table.size, model.size);
        for (const [key, value] of model) {
          const bytes = Uint8Array.from([0, ...key.split(',').map(Number)]);
          assert.equal(table.get(bytes, 1, bytes.length - 1), value);
        }
      }),
    );
  });

  it('does not grow while IDs come and go', () => {
    const table = new CidTable<number>(1);
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 100_000; i++) {
      view.setUint32(0, i);
      table.set(bytes.slice(), i);
      if (i < 10) continue;
      view.setUint32(0, i - 10);
      assert.equal(table.get(bytes, 0, 8), i - 10);
      table.delete(bytes);
    }
    assert.equal(table.size, 10);
    assert.ok(table.slots <= 128, `${table.slots}`);
  });

  it('tells IDs of different lengths apart', () => {
    const table = new CidTable<string>(1);
    table.set(Uint8Array.of(1, 2, 3, 4), 'four');
    table.set(Uint8Array.of(1, 2, 3, 4, 0), 'five');
    assert.equal(table.get(Uint8Array.of(1, 2, 3, 4), 0, 4), 'four');
    assert.equal(table.get(Uint8Array.of(1, 2, 3, 4, 0), 0, 5), 'five');
    assert.equal(table.get(Uint8Array.of(1, 2, 3, 4, 0, 0), 0, 6), undefined);
  });
});
