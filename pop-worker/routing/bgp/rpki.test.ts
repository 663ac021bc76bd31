import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace, needsRoot } from '#host/testing/namespace.ts';
import { CacheServer } from '../rpki/testing/cache-server.ts';
import { testLink } from './testing/link.ts';
import { BgpSide, until } from './testing/side.ts';

const PREFIX = '198.51.100.0/24';
const POLICIES = {
  ruleSets: {
    strict: [
      { name: 'invalid origins', match: { rpki: ['invalid'] as const }, end: 'reject' as const },
      { end: 'accept' as const },
    ],
  },
};

test('what a cache says decides on routes that are there already; the neighbour is not asked again', {
  skip: needsRoot,
}, async (t) => {
  const [a, b] = testLink(t);
  const cache = inNamespace(b.path, () => new CacheServer([], b.address4, 323));
  t.after(() => cache.close());
  const rpki = [
    {
      ...{ name: 'cache', address: b.address4, port: 323, preference: 1 },
      tcp: { hopLimit: 64, leastHopLimit: 0 },
      intervals: { refreshS: 3600, retryS: 1, expireS: 7200 },
    },
  ];
  const one = new BgpSide(t, a, 64_500, { rpki, policies: POLICIES });
  const other = new BgpSide(t, b, 64_501, { originate: [{ prefix: PREFIX }] });
  one.add(other, { routes: { import: 'strict' } });
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  const view = async () => {
    const [route] = (await one.thread.list({ isBest: false })).routes;
    return `${route?.rpki}${route?.usable === true ? '' : ', unusable'}`;
  };
  await until('the route, of which nothing is known', async () => (await view()) === 'not-found');
  const updates = (await one.status()).received['update'];
  cache.change([`${PREFIX} 64777`]);
  await until('it is invalid', async () => (await view()) === 'invalid, unusable');
  const [explained] = (await one.thread.explain(PREFIX)).routes;
  assert.deepEqual([explained?.rpki, explained?.explanation.accepted], ['invalid', false]);
  cache.change([`${PREFIX} 64777`, `${PREFIX} 64501`]);
  await until('it is valid', async () => (await view()) === 'valid');
  assert.equal((await one.status()).received['update'], updates, 'nothing was asked for again');
  one.thread.post({ type: 'rpki', caches: [] });
  await until('nobody is asked any more', async () => (await view()) === 'undefined');
  const { rpki: left } = await one.thread.beside();
  assert.deepEqual(left, []);
});
