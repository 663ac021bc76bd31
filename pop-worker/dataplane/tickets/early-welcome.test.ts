import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Denied } from '../admission.ts';
import { type DeviceTicket, writeDeviceTicket } from './device-ticket.ts';
import { EarlyWelcome } from './early-welcome.ts';
import { Epochs } from './epochs.ts';

const NOW_MS = 1_900_000_000_000;
const HERE = { thread: 0, serial: 1 };
const THERE = { thread: 1, serial: 7 };

const scene = () => {
  const epochs = new Epochs();
  const state = { room: true, objection: undefined as Denied | undefined };
  const welcome = new EarlyWelcome({
    ...{ epochs, nowMs: () => NOW_MS, hasRoom: () => state.room },
    admission: { objection: () => state.objection },
  });
  const welcomes = (more: Partial<DeviceTicket> = {}): boolean => {
    const whole = { tenant: 'red', device: 'phone', tokenId: 't', member: 1, epoch: 10, expiresAt: NOW_MS / 1000 + 60 };
    return welcome.welcomes(writeDeviceTicket({ ...whole, ...more }) as Uint8Array);
  };
  /** Why it was refused, and how often. */
  const refused = () => Object.entries(welcome.refused).filter(([, count]) => count > 0);
  return { epochs, state, welcome, welcomes, refused };
};

test('early data is welcome by a ticket of the latest move of its device', () => {
  const { epochs, welcomes, refused } = scene();
  assert.equal(welcomes(), false, 'nothing is known of the device');
  epochs.note('red/phone', 10, HERE);
  assert.equal(welcomes(), true);
  assert.equal(welcomes({ epoch: 11 }), true, 'what others know first');
  epochs.note('red/phone', 11, THERE);
  assert.equal(welcomes(), false, 'it moved');
  assert.equal(welcomes({ epoch: 11 }), true);
  assert.deepEqual(refused(), [
    ['unknown_device', 1],
    ['older_epoch', 1],
  ]);
});

test('a device that left is known for ten minutes, unless it is elsewhere by then', () => {
  const { epochs, welcomes } = scene();
  epochs.note('red/phone', 10, HERE);
  epochs.left('red/phone', THERE, 100);
  epochs.left('red/phone', HERE, 100);
  epochs.left('red/phone', HERE, 500);
  epochs.tick(699);
  assert.equal(welcomes(), true);
  epochs.tick(700);
  assert.equal(welcomes(), false);
  assert.equal(epochs.size, 0);
  epochs.note('red/phone', 12, HERE);
  epochs.left('red/phone', HERE, 700);
  epochs.note('red/phone', 13, THERE);
  epochs.left('red/phone', HERE, 701);
  epochs.note('red/phone', 9, HERE);
  epochs.tick(5000);
  assert.equal(epochs.of('red/phone'), 13);
});

test('not by a ticket of a token that is over or revoked, nor by what is no such ticket, nor when too much is held', () => {
  const { epochs, state, welcome, welcomes, refused } = scene();
  epochs.note('red/phone', 10, HERE);
  assert.equal(welcomes({ expiresAt: NOW_MS / 1000 }), false);
  state.objection = { status: 403, reason: 'revoked' };
  assert.equal(welcomes(), false);
  state.objection = undefined;
  state.room = false;
  assert.equal(welcomes(), false);
  for (const data of [new Uint8Array(), Uint8Array.of(2, 1, 1), new Uint8Array(40)]) {
    assert.equal(welcome.welcomes(data), false);
  }
  assert.deepEqual(refused(), [
    ['no_device', 3],
    ['expired', 1],
    ['revoked', 1],
    ['no_room', 1],
  ]);
});
