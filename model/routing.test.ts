import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RoutingConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { BgpRole } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { NO_ROUTING, routingOf } from './routing.ts';

const CONFIG = create(RoutingConfigSchema, {
  prefixes: [
    { id: 'all', prefix: '192.0.2.0/24', communities: ['64500:1'] },
    { id: 'some', prefix: '2001:db8:a::/48', pops: ['moscow', 'oslo'] },
  ],
  neighbors: [
    { pop: 'moscow', id: 'plain', address: '198.51.100.1', remoteAsn: 64_500 },
    {
      ...{ pop: 'moscow', id: 'full', workers: ['m2'], address: '2001:db8::1', remoteAsn: 64_501, localAsn: 65_000 },
      ...{ role: BgpRole.PROVIDER, holdSeconds: 30, hops: 1, bfdIntervalMs: 50, passwordName: 'transit', prepend: 2 },
      ...{ med: 10, communities: ['64500:2'], maxPrefixes: 5 },
    },
    { pop: 'moscow', id: 'off', address: '198.51.100.2', remoteAsn: 64_500, disabled: true },
    { pop: 'oslo', id: 'elsewhere', address: '198.51.100.3', remoteAsn: 64_500 },
  ],
  uplinks: [
    { pop: 'moscow', id: 'eth0', device: 'eth0', probeAddresses: ['198.51.100.1'] },
    { pop: 'oslo', id: 'eth1', device: 'eth1' },
  ],
});

test('a worker gets what is of its PoP and for it, with what the fields that are zero stand for', () => {
  const routing = routingOf(CONFIG, 'moscow', 'm1');
  assert.deepEqual(
    routing.prefixes.map(({ prefix }) => prefix),
    ['192.0.2.0/24', '2001:db8:a::/48'],
  );
  assert.deepEqual(routing.neighbors, [
    {
      ...{ id: 'plain', address: '198.51.100.1', remoteAsn: 64_500, localAsn: 64_512, role: undefined },
      ...{ holdSeconds: 9, hops: 0, bfd: undefined, passwordName: undefined, prepend: 0, med: 0, communities: [] },
      ...{ maxPrefixes: 1000 },
    },
  ]);
  assert.deepEqual(routing.uplinks, [{ id: 'eth0', device: 'eth0', probeAddresses: ['198.51.100.1'], weight: 1 }]);
});

test('what is for another worker, disabled, or of another PoP is not its own', () => {
  const [, full] = routingOf(CONFIG, 'moscow', 'm2').neighbors;
  assert.deepEqual(full, {
    ...{ id: 'full', address: '2001:db8::1', remoteAsn: 64_501, localAsn: 65_000, role: 'provider', holdSeconds: 30 },
    ...{ hops: 1, bfd: { intervalMs: 50, multiplier: 3 }, passwordName: 'transit', prepend: 2, med: 10 },
    ...{ communities: ['64500:2'], maxPrefixes: 5 },
  });
  const none = routingOf(CONFIG, 'bergen', 'b1');
  assert.deepEqual([none.prefixes.length, none.neighbors, none.uplinks], [1, [], []]);
  assert.equal(routingOf(undefined, 'moscow', 'm1'), NO_ROUTING);
});
