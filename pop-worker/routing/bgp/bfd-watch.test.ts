import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ip, needsRoot } from '#host/testing/namespace.ts';
import { startThread } from '../bfd/testing/heard.ts';
import { DEVICE, type LinkEnd, testLink } from './testing/link.ts';
import { BgpSide, until } from './testing/side.ts';

const DIRECT = { hopLimit: 255, leastHopLimit: 255 };
const FAST = { intervalMs: 50, multiplier: 3 };

const pair = (t: Parameters<typeof testLink>[0]) => {
  const [a, b] = testLink(t);
  const seat = ({ path }: LinkEnd) => startThread(t, { namespace: path }).seat();
  const near = new BgpSide(t, a, 64_500, { bfd: seat(a) });
  const far = new BgpSide(t, b, 64_501, { bfd: seat(b) });
  return { near, far, a, b };
};

test('a link that is cut ends the session by BFD, long before its hold time', { skip: needsRoot }, async (t) => {
  const { near, far, a } = pair(t);
  near.add(far, { tcp: DIRECT, bfd: FAST, device: DEVICE });
  far.add(near, { tcp: DIRECT, bfd: FAST, device: DEVICE });
  assert.deepEqual((await near.status()).bfd, { state: 'unopened', detectionMs: 0 }, 'it is wanted');
  await Promise.all([near.up(), far.up()]);
  // Sessions of BFD begin slowly (RFC 5880 §6.8.3), and come Up within a few seconds.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  assert.deepEqual((await near.status()).bfd, { state: 'up', detectionMs: 150 });
  ip('-n', a.namespace, 'link', 'set', DEVICE, 'down');
  const cutAt = performance.now();
  await until('both are told', () =>
    [near, far].every(({ endings }) => endings.some((text) => /BFD has found the neighbour Down|BFD Down/.test(text))),
  );
  assert.ok(performance.now() - cutAt < 2000, 'the hold time is 90 s');
});

test('a neighbour without BFD is none the worse, one that cannot have it is told of', {
  skip: needsRoot,
}, async (t) => {
  const { near, far } = pair(t);
  near.add(far, { bfd: { intervalMs: 50, multiplier: 0 } });
  far.add(near);
  await Promise.all([near.up(), far.up()]);
  await until('why there is no BFD', () => near.notices.some((notice) => notice.type === 'bfd_trouble'));
  assert.equal((await near.status()).sessions, 1);
});

test('BFD is turned on, made faster and turned off, while the session of BGP stays', { skip: needsRoot }, async (t) => {
  const { near, far } = pair(t);
  const id = near.add(far, { tcp: DIRECT, device: DEVICE });
  far.add(near, { tcp: DIRECT, bfd: { intervalMs: 300, multiplier: 3 }, device: DEVICE });
  await Promise.all([near.up(), far.up()]);
  // Both may have connected at once.
  const endings = () => [...near.endings, ...far.endings].length;
  const before = endings();
  const detects = (side: BgpSide, ms: number | undefined) =>
    until(`silence is noticed in ${ms} ms`, async () => {
      const { bfd } = await side.status();
      return bfd?.state === (ms === undefined ? undefined : 'up') && bfd?.detectionMs === ms;
    });
  near.thread.post({ type: 'bfd', id, bfd: { intervalMs: 300, multiplier: 3 } });
  await detects(near, 900);
  near.thread.post({ type: 'bfd', id, bfd: { intervalMs: 500, multiplier: 3 } });
  await Promise.all([detects(near, 1500), detects(far, 1500)]);
  near.thread.post({ type: 'bfd', id, bfd: undefined });
  await detects(near, undefined);
  await until('the other end hears that it is meant', async () => (await far.status()).bfd?.state === 'down');
  assert.deepEqual([(await near.status()).sessions, (await far.status()).sessions, endings()], [1, 1, before]);
});
