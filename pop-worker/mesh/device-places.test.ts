import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemoteSession } from '#dataplane/forward/remote-sessions.ts';
import { DevicePlaces, type DevicePlacesParts } from './device-places.ts';
import { LatestSessions } from './latest-sessions.ts';
import type { MeshNotice } from './messages.ts';
import { RemoteDevices } from './remote-devices.ts';

const session = (serial: number, more: Partial<RemoteSession> = {}): RemoteSession => ({
  ...{ thread: 0, id: serial, serial, tenant: 'red', device: 'phone', sources: [], ...more },
});

const scene = () => {
  const said: string[] = [];
  const notices: MeshNotice[] = [];
  const kept = { attached: () => {}, detached: () => {}, seen: () => {} };
  const places = new DevicePlaces({
    setup: { member: 1, threads: 2, filters: false },
    mesh: () => ({
      arrive: (key) => said.push(`${key} arrives`),
      change: (key) => void said.push(`${key} changes`),
      leave: (key) => void said.push(`${key} leaves`),
    }),
    remote: new RemoteDevices(2),
    sessions: () => kept as unknown as ReturnType<DevicePlacesParts['sessions']>,
    filters: () => kept as unknown as ReturnType<DevicePlacesParts['filters']>,
    notify: (notice) => void notices.push(notice),
  });
  return { places, said, notices };
};

test('a session that is told again is a change and no arrival; once its device is elsewhere it is nothing', () => {
  const { places, said, notices } = scene();
  places.attached(session(1));
  places.attached(session(1, { rank: 5 }));
  assert.deepEqual(said.splice(0), ['red/phone arrives', 'red/phone changes']);
  places.superseded('red/phone');
  assert.deepEqual(notices, [{ type: 'superseded', thread: 0, id: 1, serial: 1 }]);
  places.attached(session(1, { rank: 6 }));
  places.detached(session(1));
  assert.deepEqual(said, []);
  places.attached(session(2));
  places.attached(session(3, { thread: 1 }));
  assert.deepEqual(said.splice(0), ['red/phone arrives', 'red/phone arrives']);
  places.attached(session(2, { rank: 7 }));
  places.detached(session(2));
  places.attached(session(3, { thread: 1, rank: 7 }));
  places.detached(session(3, { thread: 1 }));
  assert.deepEqual(said, ['red/phone changes', 'red/phone leaves']);
});

test('of a device’s sessions the latest counts, until it ends or is elsewhere', () => {
  const sessions = new LatestSessions();
  const [one, two] = [session(1), session(2, { thread: 1 })];
  assert.deepEqual([sessions.told(one), sessions.told(one)], ['new', 'changed']);
  assert.deepEqual([sessions.told(two), sessions.told(one), sessions.told(two)], ['new', 'former', 'changed']);
  sessions.superseded(one);
  assert.equal(sessions.get('red/phone')?.serial, 2, 'that one was not the latest');
  assert.deepEqual([sessions.ended(one), sessions.told(two)], [undefined, 'changed']);
  sessions.superseded(two);
  assert.deepEqual(
    [sessions.get('red/phone'), sessions.told(two), sessions.ended(two)],
    [undefined, 'former', undefined],
  );
  assert.deepEqual([sessions.told(one), sessions.ended(one)], ['new', 'red/phone']);
});
