import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meetsBar } from '#telemetry/measurement.ts';
import { type AddressesByDevice, addressesKept } from './addresses-kept.ts';

const LAPTOP = ['10.64.0.2', 'fd00::2'];
const SENSOR = ['10.64.0.3', 'fd00::3'];
const of = (table: Readonly<Record<string, readonly string[]>>): AddressesByDevice => new Map(Object.entries(table));
const BEFORE = of({ laptop: LAPTOP, sensor: SENSOR });

test('who has what it had is counted, and who came meanwhile is not', () => {
  const now = of({ late: ['10.64.0.9', 'fd00::9'], sensor: SENSOR, laptop: LAPTOP });
  const found = addressesKept(BEFORE, now, 2);
  assert.deepEqual(found, { kept: { metric: 'addresses_kept', value: 4, unit: 'count', bar: { atLeast: 4 } } });
});

test('a device with another address, fewer, more or none at all is named', () => {
  for (const [addresses, has] of [
    [['10.64.0.2', 'fd00::66'], '10.64.0.2, fd00::66'],
    [['10.64.0.66', 'fd00::2'], '10.64.0.66, fd00::2'],
    [['10.64.0.2'], '10.64.0.2'],
    [[...LAPTOP, '10.64.0.66'], '10.64.0.2, fd00::2, 10.64.0.66'],
    [[], 'no address'],
  ] as const) {
    const { kept, fault } = addressesKept(BEFORE, of({ laptop: addresses, sensor: SENSOR }), 1);
    assert.equal(fault, `laptop had 10.64.0.2, fd00::2, and has ${has} at the next PoP.`);
    assert.deepEqual(kept, { metric: 'addresses_kept', value: 2, unit: 'count', bar: { atLeast: 4 } });
  }
  assert.match(addressesKept(BEFORE, of({ laptop: LAPTOP }), 2).fault ?? '', /^sensor had .*, and has no address at/);
  const swapped = addressesKept(BEFORE, of({ laptop: SENSOR, sensor: LAPTOP }), 2);
  assert.deepEqual([swapped.kept.value, swapped.fault?.split(',')[0]], [0, 'laptop had 10.64.0.2']);
});

test('who had no address is named, and one address only, or a device that nobody looked at, is too little', () => {
  const isEnough = (table: AddressesByDevice, least: number): boolean => {
    const { value, bar } = addressesKept(table, table, least).kept;
    return meetsBar(value, bar!);
  };
  assert.equal(isEnough(BEFORE, 2), true);
  const none = of({ laptop: [], sensor: SENSOR });
  assert.match(addressesKept(none, none, 2).fault ?? '', /^laptop had no address, and has no address at/);
  assert.equal(isEnough(none, 2), false);
  assert.equal(isEnough(of({ laptop: ['10.64.0.2'], sensor: SENSOR }), 2), false);
  assert.equal(isEnough(BEFORE, 3), false);
  assert.equal(isEnough(of({}), 1), false);
});
