import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress } from '#protocol/ip/text.ts';
import { Flag } from '#protocol/netlink/header.ts';
import type { Objects } from '#protocol/netlink/kinds.ts';
import { LinkFlag, newLink } from '#protocol/netlink/link.ts';
import { newRoute, Scope } from '#protocol/netlink/route.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { NetlinkRequests } from './requests.ts';

const address = (text: string): Uint8Array => parseIpAddress(text) as Uint8Array;

const all = async <Name extends keyof Objects>(
  requests: NetlinkRequests,
  kind: Name,
  filter: Objects[Name],
): Promise<Objects[Name][]> => {
  let found: Objects[Name][] = [];
  const complete = await requests.dump(
    kind,
    filter,
    () => (found = []),
    (object) => found.push(object),
  );
  assert.equal(complete, true);
  return found;
};

test('routes that we make are what `ip` sees', { skip: needsRoot }, async (t) => {
  const { name, path } = testNamespace(t);
  ip('-n', name, 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
  for (const end of ['d0', 'd1']) ip('-n', name, 'link', 'set', end, 'up');
  const requests = inNamespace(path, () => NetlinkRequests.open());
  t.after(() => requests.close());
  const links = await all(requests, 'link', newLink());
  const device = links.find((link) => link.name === 'd0');
  assert.ok(device !== undefined && (device.flags & LinkFlag.up) !== 0);
  assert.equal(device.kind, 'veth');
  const route = newRoute({
    destination: address('192.0.2.0'),
    destinationLength: 24,
    table: 20_300,
    protocol: 203,
    metric: 7,
    scope: Scope.link,
    device: device.index,
    mtu: 1400,
  });
  requests.one('route', 'added', Flag.create | Flag.exclusive, route);
  assert.throws(() => requests.one('route', 'added', Flag.create | Flag.exclusive, route), { code: 'EEXIST' });
  assert.throws(() => requests.one('route', 'added', Flag.create, { ...route, device: 999 }), {
    name: 'KernelRefusal',
    code: 'ENODEV',
  });
  const [seen] = JSON.parse(ip('-n', name, '-j', 'route', 'show', 'table', '20300'));
  assert.deepEqual(seen, {
    dst: '192.0.2.0/24',
    dev: 'd0',
    protocol: '203',
    scope: 'link',
    metric: 7,
    flags: [],
    metrics: [{ mtu: 1400 }],
  });
  const found = await all(requests, 'route', newRoute({ table: 20_300, protocol: 203, type: 0 }));
  assert.deepEqual(found, [route]);
  requests.one('route', 'deleted', 0, route);
  assert.deepEqual(await all(requests, 'route', newRoute({ table: 20_300, type: 0 })), []);
});

test("the kernel's own words are in the error", { skip: needsRoot }, (t) => {
  const { path } = testNamespace(t);
  const requests = inNamespace(path, () => NetlinkRequests.open());
  t.after(() => requests.close());
  const route = newRoute({ destination: address('192.0.2.0'), destinationLength: 24, nextHop: 77 });
  assert.throws(() => requests.one('route', 'added', Flag.create, route), {
    message: 'the kernel refuses a route: Nexthop id does not exist (EINVAL)',
  });
  assert.throws(() => requests.one('route', 'deleted', 0, newRoute({ destinationLength: 8 })), {
    message: 'the kernel refuses a route: no such process (ESRCH)',
  });
});

test('each request of a batch that is refused is told by its number, however many datagrams it took', {
  skip: needsRoot,
}, (t) => {
  const { path } = testNamespace(t);
  const requests = inNamespace(path, () => NetlinkRequests.open(1 << 20));
  t.after(() => requests.close());
  const refused: number[] = [];
  const count = 2000;
  requests.batch(
    (add) => {
      for (let i = 0; i < count; i++) {
        const nextHop = i % 100 === 50 ? 77 : 0;
        const destination = Uint8Array.of(10, 0, i >> 8, i & 255);
        add(
          'route',
          'added',
          Flag.create,
          newRoute({ destination, destinationLength: 32, table: 7, device: nextHop ? 0 : 1, nextHop }),
        );
      }
    },
    (_refusal, request) => refused.push(request),
  );
  assert.deepEqual(
    refused,
    Array.from({ length: count / 100 }, (_, i) => i * 100 + 50),
  );
});

test('a batch whose refusals do not fit the socket is an overrun, after which the socket is as before', {
  skip: needsRoot,
}, (t) => {
  const { path } = testNamespace(t);
  const requests = inNamespace(path, () => NetlinkRequests.open(1));
  t.after(() => requests.close());
  const route = newRoute({ destinationLength: 8, nextHop: 77 });
  const many = (): void => {
    requests.batch(
      (add) => {
        for (let i = 0; i < 100; i++) add('route', 'added', Flag.create, route);
      },
      () => {},
    );
  };
  assert.throws(many, { name: 'NetlinkOverrun' });
  assert.throws(() => requests.one('route', 'added', Flag.create, route), { name: 'KernelRefusal' });
  assert.throws(many, { name: 'NetlinkOverrun' });
  requests.one('route', 'added', Flag.create, newRoute({ destinationLength: 0, device: 1, table: 9 }));
});

test('a dump is complete although routes change all the time, or says that it is not', {
  skip: needsRoot,
}, async (t) => {
  const { path } = testNamespace(t);
  const requests = inNamespace(path, () => NetlinkRequests.open());
  t.after(() => requests.close());
  const routeTo = (i: number) =>
    newRoute({
      destination: Uint8Array.of(10, i >> 16, i >> 8, i),
      destinationLength: 32,
      table: 7,
      device: 1,
      protocol: 203,
      scope: Scope.link,
    });
  const count = 20_000;
  requests.batch((add) => {
    for (let i = 0; i < count; i++) add('route', 'added', Flag.create, routeTo(i));
  }, assert.fail);
  const seen = new Set<string>();
  let begins = 0;
  const dump = requests.dump(
    'route',
    newRoute({ table: 7, type: 0 }),
    () => begins++,
    ({ destination }) => seen.add(destination.join('.')),
  );
  // Batches go on while a dump does.
  let turns = 0;
  for (let over = false; !over; turns++) {
    requests.one('route', 'deleted', 0, routeTo(turns));
    requests.one('route', 'added', Flag.create, routeTo(turns));
    over = await Promise.race([
      dump.then(() => true),
      new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
    ]);
  }
  assert.ok(turns > 1, 'others had their turn meanwhile');
  if (await dump) assert.equal(seen.size, count);
  else assert.equal(begins, 5);
});
