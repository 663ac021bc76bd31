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
