import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PresenceRecord } from '#protocol/mesh/presence/record.ts';
import { writeDevicePlace } from '#protocol/mesh/wire/sources.ts';
import { keyOf, RemoteDevices } from './remote-devices.ts';

const KEY = keyOf('red', 'laptop');

const record = (member: number, serial: number): PresenceRecord => ({
  ...{ key: KEY, epoch: serial, member, gone: false },
  data: writeDevicePlace({ thread: 0, id: 1, serial, sources: [], outside: undefined }),
});

test('what threads still send to where a device was goes to where it is', () => {
  const devices = new RemoteDevices(2);
  const { attached: before } = devices.set(KEY, record(7, 70));
  const { detached, attached: after } = devices.set(KEY, record(8, 80));
  assert.ok(before && detached && after);
  assert.equal(detached.serial, before.serial);
  assert.notEqual(after.serial, before.serial);
  assert.deepEqual([before.member, after.member], [7, 8]);
  for (const { id, serial } of [before, after]) assert.equal(devices.find(id, serial)?.member, 8);
  assert.equal(devices.find(after.id, after.serial)?.serial, 80);
  assert.equal(devices.find(before.id, 12_345), undefined);
});

test('a device that is at no other worker is not found by where it was', () => {
  const devices = new RemoteDevices(2);
  const { attached } = devices.set(KEY, record(7, 70));
  assert.ok(attached);
  devices.set(KEY, undefined);
  assert.equal(devices.size, 0);
  assert.equal(devices.find(attached.id, attached.serial), undefined);
});

test('of sessions that are no more the last thousand or so are remembered', () => {
  const devices = new RemoteDevices(2);
  const { attached: first } = devices.set(KEY, record(7, 1));
  assert.ok(first);
  for (let serial = 2; serial < 1030; serial++) devices.set(KEY, record(7, serial));
  assert.equal(devices.find(first.id, first.serial), undefined);
  assert.equal(devices.find(0, 10)?.serial, 1029);
});

test('a device of a site at a member that no way leads to is the last choice until one does; others are left alone', () => {
  const devices = new RemoteDevices(2);
  const site = (rank: number | undefined, member = 7): PresenceRecord => ({
    ...{ ...record(member, 70), key: rank === undefined ? KEY : keyOf('red', `router${rank}`) },
    data: writeDevicePlace({ thread: 0, id: 1, serial: 70, sources: [], rank }),
  });
  devices.set(KEY, site(undefined));
  const { attached } = devices.set(keyOf('red', 'router3'), site(3));
  devices.set(keyOf('red', 'router4'), site(4, 8));
  assert.equal(attached?.rank, 3);
  const ranks = (member: number, hasWay: boolean) =>
    devices
      .setWay(member, hasWay)
      .map(({ device, rank, serial }) => `${device} ${rank} ${serial === attached?.serial}`);
  assert.deepEqual(ranks(7, true), []);
  assert.deepEqual(ranks(7, false), ['router3 515 true']);
  assert.deepEqual(ranks(7, false), []);
  assert.equal(devices.set(keyOf('red', 'router5'), site(5)).attached?.rank, 517, 'one that is heard of meanwhile');
  devices.set(keyOf('red', 'router5'), undefined);
  assert.deepEqual(ranks(7, true), ['router3 3 true']);
});
