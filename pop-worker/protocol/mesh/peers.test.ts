import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Victim } from './testing/hostile.ts';

test('numbers of members are those that there are: 1 to 65,535, 1,024 with ourselves', () => {
  const { mesh, now } = new Victim();
  for (const wrong of [0, -1, 65_536, 1.5]) assert.throws(() => mesh.setMembers([wrong], now), /no member's number/);
  mesh.setMembers([65_535], now);
  const many = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  mesh.setMembers(many(1024), now);
  assert.throws(() => mesh.setMembers(many(1025), now), /1024 members at most/);
});
