import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcedOf, NatSection, natFault, natSetupOf } from './nat-settings.ts';

const settings = (own: string[], more: object = {}) => NatSection.parse({ own, ...more });
const fault = (own: string[], more: object = {}, threads = 1): string | undefined =>
  natFault(settings(own, more), threads, true);

test('outside addresses that can be used are taken', () => {
  assert.equal(fault(['203.0.113.64/28']), undefined);
  assert.equal(
    fault(['203.0.113.64/28', '203.0.113.96/32'], { fleet: ['203.0.113.0/24'], ports: 16_384 }, 8),
    undefined,
  );
  const { own, fleet, ports, isShared } = natSetupOf(settings(['203.0.113.64/28']), true);
  assert.deepEqual([own, fleet, ports, isShared], [['203.0.113.64/28'], ['203.0.113.64/28'], 1024, true]);
});

test('those that cannot be are refused, and it is said why', () => {
  const lost = fault(['203.0.113.64/28'], { fleet: ['198.51.100.0/24', '192.0.2.0/24'] });
  assert.equal(lost, 'nat44: 203.0.113.64/28 is none of the pool 198.51.100.0/24, 192.0.2.0/24');
  assert.match(fault(['203.0.113.64/28'], { fleet: ['203.0.113.0/24', '203.0.113.0/25'] }) ?? '', /within another/);
  assert.match(fault(['203.0.113.64/32'], { ports: 16_384 }, 4) ?? '', /3 devices are too few for 4 threads/);
  assert.match(fault(['10.0.0.0/8']) ?? '', /more than 65536/);
  assert.match(natFault(settings(['203.0.113.64/28']), 1, false) ?? '', /exclude each other/);
  for (const wrong of [{ own: [] }, { own: ['2001:db8::/64'] }, { own: ['203.0.113.64/28'], ports: 1000 }]) {
    assert.equal(NatSection.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});

test('its own prefixes are announced, and those of all', () => {
  assert.deepEqual(announcedOf(settings(['203.0.113.64/28'], { fleet: ['203.0.113.0/24'] })), [
    '203.0.113.64/28',
    '203.0.113.0/24',
  ]);
  assert.deepEqual(announcedOf(settings(['203.0.113.64/28'])), ['203.0.113.64/28']);
});
