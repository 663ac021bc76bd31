import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Presence, PresenceSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { TunnelState } from '#proto/gen/cloudbridge/v1/site_pb.ts';
import { Whereabouts } from './whereabouts.ts';

const DEVICE = { tenant: 'acme', device: 'berlin-1' };
const COMES = { ...DEVICE, ipv4: '10.64.0.2', ipv6: 'fd00::2' };
const SITE = { ...DEVICE, site: 'berlin', rank: 10 } as const;
const PRESENCE = 'presence.acme.berlin-1.moscow.w1';
const REACH = 'site.acme.berlin-1.moscow.w1';

/** What is put, by key; `undefined`: that it holds no more. */
const scene = (t: TestContext) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const puts: [string, Presence | undefined][] = [];
  const whereabouts = new Whereabouts({
    ...{ pop: 'moscow', worker: 'w1', startTimeMs: () => 5000 },
    put: (key, value) => puts.push([key, value && fromBinary(PresenceSchema, value)]),
  });
  /** Puts since it was asked last. */
  const put = () => puts.splice(0);
  const pass = (ms: number) => mock.timers.tick(ms);
  return { whereabouts, put, pass };
};

test('who is here is told at once, with the start of the worker; who has a newer session is not gone with the former', (t) => {
  const { whereabouts, put } = scene(t);
  assert.equal(whereabouts.connected(COMES).pop, 'moscow');
  const [[key, presence] = assert.fail()] = put();
  assert.deepEqual([key, presence?.ipv4Address, presence?.edgeKey], [PRESENCE, '10.64.0.2', '']);
  assert.equal(timestampMs(presence?.workerStartTime ?? assert.fail()), 5000);
  whereabouts.connected(COMES);
  put();
  assert.equal(whereabouts.disconnected(DEVICE), undefined);
  assert.deepEqual(put(), []);
  assert.equal(whereabouts.disconnected(DEVICE)?.device, 'berlin-1');
  assert.deepEqual(put(), [[PRESENCE, undefined]]);
  assert.equal(whereabouts.disconnected(DEVICE), undefined, 'nor twice');
});

test('a site that changes many times is told once a second, as it is by then', (t) => {
  const { whereabouts, put, pass } = scene(t);
  whereabouts.connected(COMES);
  put();
  for (let i = 0; i < 50; i++)
    for (const state of ['lost', 'reached', 'held'] as const) whereabouts.site({ ...SITE, state });
  assert.deepEqual(put(), []);
  pass(1000);
  const [[key, presence] = assert.fail(), ...more] = put();
  assert.deepEqual([key, presence?.site?.state, presence?.site?.rank, more], [REACH, TunnelState.HELD, 10, []]);
  assert.equal(whereabouts.siteReports, 1);
  pass(60_000);
  assert.deepEqual(put(), []);
});

test('since when a site is in its state stays while only its rank is another', (t) => {
  const { whereabouts, put, pass } = scene(t);
  whereabouts.connected(COMES);
  whereabouts.site({ ...SITE, state: 'reached' });
  pass(1000);
  put();
  whereabouts.site({ ...SITE, state: 'reached' });
  pass(1000);
  assert.deepEqual(put(), [], 'nothing is new');
  whereabouts.site({ ...SITE, rank: 266, state: 'reached' });
  pass(1000);
  const [[, drained] = assert.fail()] = put();
  assert.deepEqual([drained?.site?.rank, timestampMs(drained?.site?.since ?? assert.fail())], [266, 1_000_000]);
  whereabouts.site({ ...SITE, rank: 266, state: 'lost' });
  pass(1000);
  const [[, lost] = assert.fail()] = put();
  assert.equal(timestampMs(lost?.site?.since ?? assert.fail()), 1_003_000);
});

test('all of it is told again, as after NATS was away; what is over is taken back', (t) => {
  const { whereabouts, put, pass } = scene(t);
  whereabouts.site({ ...SITE, state: 'reached' });
  pass(1000);
  assert.deepEqual(put(), [], 'nobody is here');
  whereabouts.connected(COMES);
  whereabouts.site({ ...SITE, state: 'reached' });
  pass(1000);
  put();
  whereabouts.report();
  assert.deepEqual(
    put().map(([key, value]) => [key, value?.site?.site]),
    [
      [PRESENCE, undefined],
      [REACH, 'berlin'],
    ],
  );
  whereabouts.noSite(DEVICE);
  pass(1000);
  assert.deepEqual(put(), [[REACH, undefined]]);
  whereabouts.site({ ...SITE, state: 'lost' });
  pass(1000);
  put();
  whereabouts.disconnected(DEVICE);
  assert.deepEqual(put(), [
    [PRESENCE, undefined],
    [REACH, undefined],
  ]);
});

test('by which key of the edge a device came is told when it is another, and only of who comes by WireGuard', (t) => {
  const { whereabouts, put } = scene(t);
  whereabouts.connected({ ...COMES, isWireGuard: true });
  whereabouts.connected({ ...COMES, device: 'phone' });
  put();
  const said = (byPrevious: readonly string[]) => {
    whereabouts.edgeKeys({ newest: 'NEW', previous: 'OLD', byPrevious });
    return put().map(([key, value]) => [key, value?.edgeKey]);
  };
  assert.deepEqual(said(['acme/berlin-1', 'acme/phone', 'acme/nobody']), [[PRESENCE, 'OLD']]);
  assert.deepEqual(said(['acme/berlin-1']), []);
  assert.deepEqual(said([]), [[PRESENCE, 'NEW']]);
});
