import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configKey, isId, SYSTEM } from './names.ts';

test('ids', () => {
  for (const good of ['a', 'acme', 'a-1', `a${'b'.repeat(39)}`]) assert.ok(isId(good), good);
  for (const bad of ['', 'A', '1a', '-a', 'a-', 'a.b', 'a_b', `a${'b'.repeat(40)}`, SYSTEM, 'a\n'])
    assert.ok(!isId(bad), bad);
});

test('a key has three parts, whatever the id', () => {
  assert.equal(configKey('acme', 'device', 'laptop'), 'acme.device.laptop');
  assert.equal(configKey(SYSTEM, 'pop', 'moscow'), '_system.pop.moscow');
  fc.assert(
    fc.property(fc.string(), fc.string(), (tenant, id) => {
      try {
        assert.match(configKey(tenant, 'device', id), /^[A-Za-z0-9_.-]+$/);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});
