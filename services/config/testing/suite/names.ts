import assert from 'node:assert/strict';
import type { JsonObject } from '@bufbuild/protobuf';
import { type Case, ownNetwork, reasonOf } from './case.ts';

export const names = async ({ send, id }: Case): Promise<void> => {
  const pop = id('named');
  await send('POST', '/v1/pops', { id: pop, addresses: ['198.51.100.1', '2001:DB8::1'] });
  const moved = await send('PATCH', `/v1/pops/${pop}`, { latitude: 55.75 });
  assert.deepEqual([moved.json.latitude, moved.json.addresses], [55.75, ['198.51.100.1', '2001:db8::1']]);
  const emptied = await send('PATCH', `/v1/pops/${pop}`, { addresses: [] });
  assert.equal(emptied.json.addresses, undefined, 'named and empty: cleared');
  const notThere = send('PATCH', `/v1/pops/${id('nowhere')}`, { latitude: 1 });
  assert.deepEqual(await reasonOf(notThere), [404, 'POP_NOT_FOUND']);

  const domain = `${id('edge')}.example`;
  const zone = { id: id('edge'), domain: domain.toUpperCase(), nameServers: [`ns1.${domain}`, 'ns.elsewhere.example'] };
  const records = [`ns1.${domain} A 192.0.2.53`];
  const made = await send('POST', '/v1/dns-zones', { ...zone, records, services: [domain, `www.${domain}`] });
  assert.deepEqual([made.status, made.json.domain], [201, domain], JSON.stringify(made.json));
  const path = `/v1/dns-zones/${zone.id}`;
  assert.deepEqual(await reasonOf(send('POST', '/v1/dns-zones', { ...zone, records, id: id('other') })), [
    409,
    'ZONE_TAKEN',
  ]);
  assert.deepEqual(await reasonOf(send('POST', '/v1/dns-zones', { ...zone, records })), [409, 'ZONE_EXISTS']);
  assert.equal((await send('PATCH', path, { ttlSeconds: 60 })).json.ttlSeconds, 60);
  const gone = await send('PATCH', path, { records: [] });
  assert.deepEqual([gone.status, gone.json.violations[0].field], [400, 'zone.name_servers[0]']);
  assert.equal((await send('GET', path)).json.records.length, 1);
  const zones = (await send('GET', '/v1/dns-zones?page.size=1000')).json.zones.map((one: { id: string }) => one.id);
  assert.ok(zones.includes(zone.id));

  const network = ownNetwork(id);
  const place = await send('POST', '/v1/dns-places', {
    id: id('urals'),
    prefixes: [network.toUpperCase()],
    pops: [pop],
  });
  assert.deepEqual([place.status, place.json.prefixes], [201, [network]], JSON.stringify(place.json));
  const twice = send('POST', '/v1/dns-places', { prefixes: ['2001:db8:ffff:1::/64', network] });
  assert.deepEqual(await reasonOf(twice), [409, 'PLACE_TAKEN']);
  const where = `/v1/dns-places/${id('urals')}`;
  const lost = await send('PATCH', where, { pops: [id('nowhere')] });
  assert.deepEqual([lost.status, lost.json.violations[0].field], [400, 'place.pops[0]']);
  assert.equal((await send('PATCH', where, { longitude: 60.6 })).json.longitude, 60.6);
  assert.equal((await send('GET', where)).json.longitude, 60.6);
  const places = (await send('GET', '/v1/dns-places?page.size=1000')).json.places.map((one: { id: string }) => one.id);
  assert.ok(places.includes(id('urals')));
  for (const one of [where, path, `/v1/pops/${pop}`]) assert.equal((await send('DELETE', one)).status, 204);
};

const BAD_NAMES: readonly (readonly [path: string, body: JsonObject, field: string])[] = [
  ['pops', { addresses: ['198.51.100'] }, 'pop.addresses[0]'],
  ['dns-zones', {}, 'zone.domain'],
  ['dns-zones', { domain: 'edge..example', nameServers: ['ns.example'] }, 'zone.domain'],
  ['dns-zones', { domain: 'edge.example', nameServers: ['ns .example'] }, 'zone.name_servers[0]'],
  ['dns-zones', { domain: 'edge.example', nameServers: ['ns.edge.example'] }, 'zone.name_servers[0]'],
  ['dns-zones', { domain: 'edge.example', nameServers: ['ns.x'], services: ['www.example'] }, 'zone.services[0]'],
  ['dns-zones', { domain: 'edge.example', nameServers: ['ns.x'], services: ['notedge.example'] }, 'zone.services[0]'],
  ['dns-zones', { domain: 'edge.example', nameServers: ['ns.x'], records: ['a.edge.example MX x'] }, 'zone.records[0]'],
  [
    'dns-zones',
    { domain: 'edge.example', nameServers: ['ns.x'], records: ['a.edge.example A ::1'] },
    'zone.records[0]',
  ],
  [
    'dns-zones',
    { domain: 'edge.example', nameServers: ['ns.x'], records: ['a.example A 192.0.2.1'] },
    'zone.records[0]',
  ],
  ['dns-zones', { domain: 'edge.example', nameServers: ['ns.x'], ttlSeconds: 86_401 }, 'zone.ttl_seconds'],
  ['dns-places', {}, 'place.prefixes'],
  ['dns-places', { prefixes: ['192.0.2.1/24'] }, 'place.prefixes[0]'],
  ['dns-places', { prefixes: ['192.0.2.0/24'], latitude: 91 }, 'place.latitude'],
];

export const badNames = async ({ send }: Case): Promise<void> => {
  for (const [kind, body, field] of BAD_NAMES) {
    const { status, json } = await send('POST', `/v1/${kind}`, body);
    assert.deepEqual([status, json.violations?.[0].field], [400, field], JSON.stringify([body, json]));
  }
  const twice = {
    domain: 'edge.example',
    nameServers: ['ns.x'],
    services: ['a.edge.example'],
    records: ['A.edge.example A 192.0.2.1'],
  };
  const both = await send('POST', '/v1/dns-zones', twice);
  assert.deepEqual([both.status, both.json.violations?.[0].field], [400, 'zone.services[0]']);
};
