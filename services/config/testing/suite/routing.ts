import assert from 'node:assert/strict';
import type { JsonObject } from '@bufbuild/protobuf';
import { type Case, ownNetwork, reasonOf } from './case.ts';

export const routing = async ({ send, id }: Case): Promise<void> => {
  const pop = id('routed');
  await send('POST', '/v1/pops', { id: pop });
  const text = ownNetwork(id);
  const prefix = { id: id('service'), prefix: text.toUpperCase(), pops: [pop], communities: ['64500:100'] };
  const made = await send('POST', '/v1/prefixes', prefix);
  assert.deepEqual([made.status, made.json.prefix], [201, text], JSON.stringify(made.json));
  const path = `/v1/prefixes/${prefix.id}`;
  assert.deepEqual(await reasonOf(send('POST', '/v1/prefixes', { prefix: text })), [409, 'PREFIX_TAKEN']);
  const lost = await send('PATCH', path, { pops: [id('nowhere')] });
  assert.deepEqual([lost.status, lost.json.violations[0].field], [400, 'prefix.pops[0]']);
  const patched = await send('PATCH', path, { displayName: 'Service' });
  assert.deepEqual([patched.json.displayName, patched.json.pops], ['Service', [pop]]);
  assert.equal((await send('GET', path)).json.displayName, 'Service');
  assert.equal((await send('PATCH', path, { pops: [] })).json.pops, undefined, 'named and empty: cleared');
  const seen = (await send('GET', '/v1/prefixes?page.size=1000')).json.prefixes.map((one: { id: string }) => one.id);
  assert.ok(seen.includes(prefix.id));

  const neighbors = `/v1/pops/${pop}/bgp-neighbors`;
  const router = { id: 'transit1', address: '2001:DB8::1', remoteAsn: 64_500, role: 'BGP_ROLE_PROVIDER', prepend: 1 };
  const neighbor = await send('POST', neighbors, router);
  assert.deepEqual([neighbor.status, neighbor.json.address], [201, '2001:db8::1'], JSON.stringify(neighbor.json));
  assert.deepEqual(await reasonOf(send('POST', neighbors, router)), [409, 'NEIGHBOR_EXISTS']);
  const changed = await send('PATCH', `${neighbors}/transit1`, { prepend: 0, bfdIntervalMs: 50 });
  assert.deepEqual([changed.json.prepend, changed.json.bfdIntervalMs, changed.json.remoteAsn], [undefined, 50, 64_500]);
  assert.equal((await send('GET', neighbors)).json.neighbors[0].id, 'transit1');
  assert.deepEqual((await send('GET', `${neighbors}/transit1`)).json, changed.json);

  // A worker has one session with an address.
  const violation = async (answer: ReturnType<typeof send>) => (await answer).json.violations?.[0];
  const same = { ...router, id: 'transit2', address: '2001:db8:0::1' };
  const taken = { field: 'neighbor.address', description: /^is that of neighbor "transit1" already/ };
  assert.deepEqual((await violation(send('POST', neighbors, same))).field, taken.field);
  assert.match((await violation(send('POST', neighbors, { ...same, workers: ['w1'] }))).description, taken.description);
  assert.equal((await send('POST', neighbors, { ...same, disabled: true })).status, 201);
  assert.equal((await violation(send('PATCH', `${neighbors}/transit2`, { disabled: false }))).field, taken.field);
  assert.equal((await send('PATCH', `${neighbors}/transit1`, { workers: ['w1'] })).status, 200);
  assert.equal((await send('PATCH', `${neighbors}/transit2`, { disabled: false, workers: ['w2'] })).status, 200);
  assert.equal((await violation(send('PATCH', `${neighbors}/transit2`, { workers: [] }))).field, taken.field);
  assert.equal((await send('DELETE', `${neighbors}/transit2`)).status, 204);

  const uplinks = `/v1/pops/${pop}/uplinks`;
  const uplink = await send('POST', uplinks, { id: 'eth0', device: 'eth0', probeAddresses: ['198.51.100.1'] });
  assert.equal(uplink.status, 201, JSON.stringify(uplink.json));
  const gateways = await send('PATCH', `${uplinks}/eth0`, { gateways: ['198.51.100.1', '2001:DB8::1'] });
  assert.deepEqual(gateways.json.gateways, ['198.51.100.1', '2001:db8::1']);
  assert.equal((await send('PATCH', `${uplinks}/eth0`, { weight: 2 })).json.weight, 2);
  assert.equal((await send('GET', uplinks)).json.uplinks[0].weight, 2);
  assert.equal((await send('GET', `${uplinks}/eth0`)).json.device, 'eth0');

  assert.deepEqual(await reasonOf(send('DELETE', `/v1/pops/${pop}`)), [409, 'POP_NOT_EMPTY']);
  assert.equal((await send('DELETE', `${neighbors}/transit1`)).status, 204);
  assert.deepEqual(await reasonOf(send('DELETE', `/v1/pops/${pop}`)), [409, 'POP_NOT_EMPTY']);
  for (const one of [`${uplinks}/eth0`, `/v1/pops/${pop}`, path]) assert.equal((await send('DELETE', one)).status, 204);
};

const BAD_ROUTING: readonly (readonly [path: string, body: JsonObject, field: string])[] = [
  ['prefixes', { prefix: '192.0.2.1/24' }, 'prefix.prefix'],
  ['prefixes', { prefix: '192.0.2.0' }, 'prefix.prefix'],
  ['prefixes', { prefix: '0.0.0.0/0' }, 'prefix.prefix'],
  ['prefixes', { prefix: '127.0.0.0/8' }, 'prefix.prefix'],
  ['prefixes', { prefix: '::1/128' }, 'prefix.prefix'],
  ['prefixes', {}, 'prefix.prefix'],
  ['uplinks', {}, 'uplink.device'],
  ['prefixes', { prefix: '192.0.2.0/24', communities: ['no-export'] }, 'prefix.communities[0]'],
  ['bgp-neighbors', { address: '198.51.100.1' }, 'neighbor.remote_asn'],
  ['bgp-neighbors', { address: 'router1', remoteAsn: 1 }, 'neighbor.address'],
  ['bgp-neighbors', { address: 'fe80::1', remoteAsn: 1 }, 'neighbor.address'],
  ...['0.0.0.0', '127.0.0.1', '224.0.0.5', '::', '::1', 'ff02::1'].map(
    (address) => ['bgp-neighbors', { address, remoteAsn: 1 }, 'neighbor.address'] as const,
  ),
  ['bgp-neighbors', { address: '198.51.100.1', remoteAsn: 1, holdSeconds: 2 }, 'neighbor.hold_seconds'],
  ['bgp-neighbors', { address: '198.51.100.1', remoteAsn: 1, bfdIntervalMs: 9 }, 'neighbor.bfd_interval_ms'],
  ['bgp-neighbors', { address: '198.51.100.1', remoteAsn: 1, prepend: 17 }, 'neighbor.prepend'],
  ['bgp-neighbors', { address: '2001:db8::1', remoteAsn: 1, linkLocalNextHop: true }, 'neighbor.link_local_next_hop'],
  ['uplinks', { device: 'a-name-too-long-for-one' }, 'uplink.device'],
  ['uplinks', { device: 'eth0', probeAddresses: ['x'] }, 'uplink.probe_addresses[0]'],
  ['uplinks', { device: 'eth0', gateways: ['x'] }, 'uplink.gateways[0]'],
  ['uplinks', { device: 'eth0', gateways: ['192.0.2.1', '192.0.2.2'] }, 'uplink.gateways'],
];

export const badRouting = async ({ send, id }: Case): Promise<void> => {
  await send('POST', '/v1/pops', { id: id('strict') });
  for (const [kind, body, field] of BAD_ROUTING) {
    const { status, json } = await send(
      'POST',
      kind === 'prefixes' ? '/v1/prefixes' : `/v1/pops/${id('strict')}/${kind}`,
      body,
    );
    assert.deepEqual([status, json.violations?.[0].field], [400, field], JSON.stringify([body, json]));
  }
  const lost = send('POST', `/v1/pops/${id('nowhere')}/uplinks`, { device: 'eth0' });
  assert.deepEqual(await reasonOf(lost), [404, 'POP_NOT_FOUND']);
};
