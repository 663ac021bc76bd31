import assert from 'node:assert/strict';
import type { JsonObject } from '@bufbuild/protobuf';
import { createClient, eventually, type Fetch, type Send } from './client.ts';

/** The configuration API, wherever and by whatever it is served. */
export interface ApiUnderTest {
  readonly fetch: Fetch;
  /** An access token of somebody with this role; an operator's needs no organisation. */
  token(role: 'operator' | 'tenant-admin' | 'developer', organisation?: string): Promise<string>;
  /** Two that the identity provider knows. */
  readonly organisations: readonly [string, string];
  /** In front of every id, so that the suite can run again on the same installation. */
  readonly prefix: string;
}

interface Case {
  readonly api: ApiUnderTest;
  /** As an operator. */
  readonly send: Send;
  /** The id in this run. */
  id(name: string): string;
}

const reasonOf = async (answer: ReturnType<Send>): Promise<[number, string]> => {
  const { status, json } = await answer;
  return [status, json.reason];
};

const lifeAndEnd = async ({ send, id }: Case): Promise<void> => {
  const acme = id('acme');
  const tenant = await send('POST', '/v1/tenants', { id: acme, displayName: 'Acme' });
  assert.equal(tenant.status, 201, JSON.stringify(tenant.json));
  assert.equal(tenant.headers.get('etag'), `"${tenant.json.meta.etag}"`);
  const base = `/v1/tenants/${acme}`;
  const network = await send('POST', `${base}/networks`, { id: 'office', ipv4Pool: '10.64.0.0/24' });
  assert.match(network.json.ipv6Prefix, /^fd[0-9a-f:]+::\/64$/);
  const first = await send('POST', `${base}/devices`, { id: 'a', network: 'office', owner: 'u1' });
  assert.deepEqual(
    [first.status, first.json.ipv4Address, first.json.state],
    [201, '10.64.0.2', 'DEVICE_STATE_ACTIVE'],
    JSON.stringify(first.json),
  );
  assert.ok(first.json.ipv6Address.startsWith(network.json.ipv6Prefix.replace(':/64', '')));
  const chosen = await send('POST', `${base}/devices`, { network: 'office', ipv4Address: '10.64.0.77' });
  assert.match(chosen.json.id, /^device-[a-z0-9]{10}$/);
  assert.equal(chosen.json.ipv4Address, '10.64.0.77');

  assert.deepEqual(await reasonOf(send('DELETE', base)), [409, 'TENANT_NOT_EMPTY']);
  assert.deepEqual(await reasonOf(send('DELETE', `${base}/networks/office`)), [409, 'NETWORK_NOT_EMPTY']);
  assert.equal((await send('GET', `${base}/devices/a`)).json.meta.etag, first.json.meta.etag);
  for (const device of ['a', chosen.json.id])
    assert.equal((await send('DELETE', `${base}/devices/${device}`)).status, 204);
  assert.equal((await send('DELETE', `${base}/networks/office`)).status, 204);
  assert.equal((await send('DELETE', base)).status, 204);
  assert.deepEqual(await reasonOf(send('GET', base)), [404, 'TENANT_NOT_FOUND']);
  assert.deepEqual(await reasonOf(send('POST', '/v1/tenants', { id: acme })), [409, 'TENANT_ID_USED']);
};

const heldIds = async ({ send, id }: Case): Promise<void> => {
  const base = `/v1/tenants/${id('hold')}`;
  await send('POST', '/v1/tenants', { id: id('hold') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.0.0.0/29' });
  const create = (body: Record<string, string>) => send('POST', `${base}/devices`, { network: 'n', ...body });
  await create({ id: 'a' });
  await send('DELETE', `${base}/devices/a`);
  assert.deepEqual(await reasonOf(create({ id: 'a' })), [409, 'DEVICE_ID_HELD']);
  assert.equal((await create({ id: 'b' })).json.ipv4Address, '10.0.0.3');
  assert.deepEqual(await reasonOf(create({ id: 'c', ipv4Address: '10.0.0.2' })), [409, 'ADDRESS_TAKEN']);
  for (const device of ['d', 'e', 'f']) assert.equal((await create({ id: device })).status, 201);
  assert.deepEqual(await reasonOf(create({ id: 'g' })), [429, 'ADDRESSES_EXHAUSTED']);
};

const etagsAndMasks = async ({ send, id }: Case): Promise<void> => {
  await send('POST', '/v1/tenants', { id: id('edit'), displayName: 'One' });
  const created = { id: 'n', displayName: 'N', ipv4Pool: '10.1.0.0/24', egress: true };
  const network = await send('POST', `/v1/tenants/${id('edit')}/networks`, created);
  const path = `/v1/tenants/${id('edit')}/networks/n`;
  const match = { 'if-match': network.headers.get('etag') as string };
  const changed = await send('PATCH', path, { displayName: 'M' }, match);
  assert.deepEqual([changed.status, changed.json.displayName, changed.json.egress], [200, 'M', true]);
  assert.deepEqual(await reasonOf(send('PATCH', path, { displayName: 'X' }, match)), [412, 'ETAG_MISMATCH']);
  assert.deepEqual(await reasonOf(send('DELETE', path, undefined, match)), [412, 'ETAG_MISMATCH']);
  assert.equal((await send('PATCH', path, { egress: false })).json.egress, undefined, 'named and false: cleared');
  assert.equal((await send('PATCH', path, { displayName: '' })).json.displayName, undefined);
  assert.deepEqual(await reasonOf(send('PATCH', path, { ipv4Pool: '10.2.0.0/24' })), [400, 'FIELD_IS_FIXED']);
  const whole = (await send('GET', path)).json;
  const written = await send('PATCH', path, { ...whole, displayName: 'W' });
  assert.equal(written.json.displayName, 'W', 'read, change, write back');
};

const keysOfRequests = async ({ send, id }: Case): Promise<void> => {
  const networks = `/v1/tenants/${id('idem')}/networks`;
  await send('POST', '/v1/tenants', { id: id('idem') });
  const key = { 'idempotency-key': id('k-1') };
  const body = { displayName: 'N', ipv4Pool: '10.1.0.0/24' };
  const answers = await Promise.all([1, 2, 3].map(() => send('POST', networks, body, key)));
  for (const { status, json, headers } of answers) {
    assert.equal(status, 201);
    // An id that the service makes up differs with every call unless the answer is a replay.
    assert.deepEqual([json, headers.get('etag')], [answers[0]?.json, answers[0]?.headers.get('etag')]);
  }
  assert.equal((await send('GET', networks)).json.networks.length, 1);
  const read = await send('GET', `${networks}/${answers[0]?.json.id}`);
  assert.deepEqual(read.json, answers[0]?.json, 'the replayed etag is the stored one');
  const other = send('POST', networks, { ...body, displayName: 'M' }, key);
  assert.deepEqual(await reasonOf(other), [409, 'IDEMPOTENCY_KEY_REUSED']);
  const path = `${networks}/${read.json.id}`;
  const again = { 'idempotency-key': id('k-2') };
  for (let i = 0; i < 2; i++) assert.equal((await send('DELETE', path, undefined, again)).status, 204);
};

const pages = async ({ send, id }: Case): Promise<void> => {
  const networks = `/v1/tenants/${id('pages')}/networks`;
  await send('POST', '/v1/tenants', { id: id('pages') });
  await send('POST', '/v1/tenants', { id: id('none') });
  for (let i = 0; i < 5; i++) await send('POST', networks, { id: `n${i}`, ipv4Pool: '10.1.0.0/24' });
  const seen: string[] = [];
  let token = '';
  do {
    const { json } = await send('GET', `${networks}?page.size=2&page.token=${token}`);
    seen.push(...json.networks.map((network: { id: string }) => network.id));
    token = json.nextPageToken ?? '';
    if (token === '') continue;
    const elsewhere = send('GET', `/v1/tenants/${id('none')}/networks?page.token=${token}`);
    assert.deepEqual(await reasonOf(elsewhere), [400, 'PAGE_TOKEN_INVALID']);
  } while (token !== '');
  assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4']);
  assert.deepEqual(await reasonOf(send('GET', `${networks}?page.token=x`)), [400, 'PAGE_TOKEN_INVALID']);
};

const popsAndWorkers = async ({ send, id }: Case): Promise<void> => {
  const moscow = id('moscow');
  const pop = `/v1/pops/${moscow}`;
  await send('POST', '/v1/pops', { id: moscow, latitude: 55.75, longitude: 37.6 });
  assert.equal((await send('POST', `${pop}/workers`, { id: 'w1' })).status, 201);
  const lost = send('POST', `/v1/pops/${id('nowhere')}/workers`, { id: 'w1' });
  assert.deepEqual(await reasonOf(lost), [404, 'POP_NOT_FOUND']);
  assert.equal((await send('POST', `${pop}/workers/w1/drain`, {})).json.drain, true);
  assert.equal((await send('POST', `${pop}/workers/w1/undrain`, {})).json.drain, undefined);
  // What the PoP says and what is said of a worker stand beside each other; who comes later hears it, too.
  await send('POST', `${pop}/workers`, { id: 'w2', drain: true });
  assert.equal((await send('PATCH', pop, { drain: true, displayName: 'Moscow' })).json.drain, undefined);
  assert.equal((await send('POST', `${pop}/drain`, {})).json.drain, true);
  await send('POST', `${pop}/workers`, { id: 'w3', popDrain: false });
  const asked = async () =>
    (await send('GET', `${pop}/workers`)).json.workers
      .map((one: { id: string; drain?: boolean; popDrain?: boolean }) => `${one.id} ${one.drain} ${one.popDrain}`)
      .sort();
  assert.deepEqual(await asked(), ['w1 undefined true', 'w2 true true', 'w3 undefined true']);
  assert.equal((await send('POST', `${pop}/workers/w1/undrain`, {})).json.popDrain, true);
  assert.equal((await send('POST', `${pop}/undrain`, {})).json.drain, undefined);
  assert.deepEqual(await asked(), ['w1 undefined undefined', 'w2 true undefined', 'w3 undefined undefined']);
  assert.deepEqual(await reasonOf(send('POST', `/v1/pops/${id('nowhere')}/drain`, {})), [404, 'POP_NOT_FOUND']);
  for (const worker of ['w2', 'w3']) await send('DELETE', `${pop}/workers/${worker}`);
  assert.deepEqual(await reasonOf(send('DELETE', pop)), [409, 'POP_NOT_EMPTY']);
  assert.equal((await send('GET', `${pop}/workers`)).json.workers[0].id, 'w1');
  await send('DELETE', `${pop}/workers/w1`);
  assert.equal((await send('DELETE', pop)).status, 204);
  assert.equal((await send('POST', '/v1/pops', { id: moscow })).status, 201, 'a PoP may come back');
};

const routing = async ({ send, id }: Case): Promise<void> => {
  const pop = id('routed');
  await send('POST', '/v1/pops', { id: pop });
  // Each run of the suite has a prefix of its own.
  const number = [...id('x')].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 0xffff, 1);
  const text = `2001:db8:${number.toString(16)}::/48`;
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

const POLICY = {
  prefixLists: [{ name: 'ours', prefixes: ['192.0.2.0/24', '2001:db8:a::/48'] }],
  asLists: [{ name: 'private', ases: ['64512-65534'] }],
  rules: [
    { name: 'leaks', match: { paths: ['.* @private .*'], not: { prefixes: ['@ours'] } }, end: 'reject' },
    { name: 'backup', match: { communities: ['64500:666'] }, set: { localPref: 0, noMed: true }, end: 'accept' },
    { call: 'bogons' },
    { set: { addCommunities: ['64512:7'], prepend: { times: 2 } }, end: 'accept' },
  ],
};

const routePolicies = async ({ send, id }: Case): Promise<void> => {
  const path = '/v1/route-policies';
  const [inbound, outbound, pop] = [id('in'), id('out'), id('policed')];
  const made = await send('POST', path, { id: inbound, ...POLICY });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  assert.deepEqual(made.json.rules, POLICY.rules);
  assert.deepEqual((await send('GET', `${path}/${inbound}`)).json, made.json);
  assert.deepEqual(await reasonOf(send('POST', path, { id: inbound, ...POLICY })), [409, 'ROUTE_POLICY_EXISTS']);
  assert.equal((await send('POST', path, { id: outbound, rules: [{ call: inbound }] })).status, 201);
  const { policies } = (await send('GET', `${path}?page.size=1000`)).json;
  assert.ok([inbound, outbound].every((one) => policies.some((policy: { id: string }) => policy.id === one)));

  await send('POST', '/v1/pops', { id: pop });
  const neighbors = `/v1/pops/${pop}/bgp-neighbors`;
  const router = { id: 'transit1', address: '198.51.100.1', remoteAsn: 64_500 };
  for (const [field, name] of [
    ['importPolicy', id('lost')],
    ['exportPolicy', id('lost')],
    ['importPolicy', 'bogons'],
    ['exportPolicy', 'own'],
  ] as const) {
    const lost = await send('POST', neighbors, { ...router, [field]: name });
    const violation = lost.json.violations?.[0];
    assert.deepEqual([lost.status, violation?.field], [400, `neighbor.${field.replace('P', '_p')}`]);
    assert.equal(violation?.description, `there is no route policy "${name}"`);
  }
  const used = await send('POST', neighbors, { ...router, importPolicy: inbound, exportPolicy: outbound });
  assert.deepEqual([used.status, used.json.importPolicy, used.json.exportPolicy], [201, inbound, outbound]);
  // What comes in goes to nobody: neither by the neighbour's own policy, nor by one that it calls.
  const asks = [{ match: { to: ['transit1'] }, end: 'accept' }];
  const wrong = await send('PATCH', `${path}/${inbound}`, { rules: asks });
  assert.deepEqual([wrong.status, wrong.json.violations?.[0].field], [400, 'policy.rules'], JSON.stringify(wrong.json));
  assert.match(wrong.json.detail, new RegExp(`neighbor "${pop}/transit1" imports by it: .* use it for export`));
  assert.equal((await send('PATCH', `${path}/${outbound}`, { rules: asks })).status, 200);
  const circle = await send('PATCH', `${path}/${outbound}`, { rules: [{ call: outbound }] });
  assert.deepEqual([circle.status, circle.json.violations?.[0].field], [400, 'policy.rules[0].call']);

  for (const [one, why] of [
    [inbound, 'has it'],
    [outbound, 'has it'],
  ] as const) {
    const refused = await send('DELETE', `${path}/${one}`);
    assert.deepEqual([refused.status, refused.json.reason], [409, 'ROUTE_POLICY_IN_USE']);
    assert.ok(refused.json.detail.includes(why), refused.json.detail);
  }
  assert.equal((await send('PATCH', `${path}/${outbound}`, { rules: [{ call: inbound }] })).status, 200);
  assert.equal((await send('DELETE', `${neighbors}/transit1`)).status, 204);
  const called = await send('DELETE', `${path}/${inbound}`);
  assert.match(called.json.detail, new RegExp(`route policy "${outbound}" calls it; change that first`));
  for (const one of [`${path}/${outbound}`, `${path}/${inbound}`, `/v1/pops/${pop}`])
    assert.equal((await send('DELETE', one)).status, 204);
  assert.deepEqual(await reasonOf(send('GET', `${path}/${inbound}`)), [404, 'ROUTE_POLICY_NOT_FOUND']);
};

const names = async ({ send, id }: Case): Promise<void> => {
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

  // Each run of the suite has networks of its own.
  const number = [...id('x')].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 0xffff, 1);
  const network = `2001:db8:${number.toString(16)}::/48`;
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

const badNames = async ({ send }: Case): Promise<void> => {
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

/** Rules that are no rules: the field, and what its sentence says. */
const BAD_RULES: readonly (readonly [rule: JsonObject, field: string, says: RegExp])[] = [
  [{ name: 'odd' }, 'rules[1]', /^rule "odd" does nothing/],
  [{ match: { prefixes: ['10.0.0.1/8'] }, end: 'accept' }, 'rules[1].match.prefixes', /^rule 2 .*is no prefix/],
  [{ match: { prefixes: ['@lost'] }, end: 'accept' }, 'rules[1].match.prefixes', /names the prefix list "lost"/],
  [{ match: { not: { allCommunities: ['x'] } }, end: 'accept' }, 'rules[1].match.not.all_communities', /no community/],
  [{ match: { not: { not: {} } }, end: 'accept' }, 'rules[1].match.not', /must have no not of its own/],
  [{ match: { med: {} }, end: 'accept' }, 'rules[1].match.med', /without saying which/],
  [{ match: { families: ['ipv5'] }, end: 'accept' }, 'rules[1].match.families[0]', /ipv4-unicast/],
  [{ match: { attributes: [256] }, end: 'accept' }, 'rules[1].match.attributes[0]', /255/],
  [{ set: { med: 1, noMed: true }, end: 'accept' }, 'rules[1].set', /not both/],
  [{ set: { prepend: { times: 51 } }, end: 'accept' }, 'rules[1].set.prepend.times', /50/],
  [{ set: { nextHop: 'me' }, end: 'accept' }, 'rules[1].set.next_hop', /neither an IP address nor self/],
  [{ call: 'lost' }, 'rules[1].call', /calls the rule set "lost"/],
  [{ end: 'drop' }, 'rules[1].end', /accept/],
];

const BAD_POLICIES: readonly (readonly [policy: JsonObject, field: string])[] = [
  [{}, 'rules'],
  [{ id: 'own', rules: [{ end: 'accept' }] }, 'id'],
  [{ id: 'bogons', rules: [{ end: 'accept' }] }, 'id'],
  [{ prefixLists: [{ name: 'x', prefixes: ['y'] }], rules: [{ end: 'accept' }] }, 'prefix_lists[0]'],
  [{ prefixLists: [{ name: 'x' }, { name: 'x' }], rules: [{ end: 'accept' }] }, 'prefix_lists[1].name'],
  [{ asLists: [{ name: 'no name' }], rules: [{ end: 'accept' }] }, 'as_lists[0].name'],
  [{ rules: Array.from({ length: 1001 }, () => ({ call: 'bogons' })) }, 'rules'],
];

const badPolicies = async ({ send }: Case): Promise<void> => {
  for (const [rule, field, says] of BAD_RULES) {
    const { status, json } = await send('POST', '/v1/route-policies', { rules: [{ call: 'bogons' }, rule] });
    const [violation] = json.violations ?? [];
    assert.deepEqual([status, violation?.field], [400, `policy.${field}`], JSON.stringify([rule, json]));
    assert.match(violation.description, says);
  }
  // What takes long to read is refused, as soon as it is known to.
  const patterns = Array.from({ length: 1000 }, (_, i) => `${i + 1} .{0,255}`);
  const long = { rules: [{ match: { paths: patterns }, end: 'accept' }] };
  const list = Array.from({ length: 9_900 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  const rules = Array.from({ length: 21 }, (_, i) => ({ match: { prefixes: ['@all'] }, set: { med: i } }));
  const wide = { prefixLists: [{ name: 'all', prefixes: list }], rules };
  for (const [policy, field, says] of [
    [long, 'rules[0].match.paths', /more than 200000 steps of path patterns: name fewer/],
    [wide, 'rules[20].match.prefixes', /more than 200000 prefixes: name fewer/],
  ] as const) {
    const { status, json } = await send('POST', '/v1/route-policies', policy);
    const [violation] = json.violations ?? [];
    assert.deepEqual([status, violation?.field, json.violations?.length], [400, `policy.${field}`, 1]);
    assert.match(violation.description, says);
  }
  const many = Array.from({ length: 100 }, () => ({ match: { prefixes: ['x'] }, end: 'accept' }));
  assert.equal((await send('POST', '/v1/route-policies', { rules: many })).json.violations?.length, 20);
  for (const [policy, field] of BAD_POLICIES) {
    const { status, json } = await send('POST', '/v1/route-policies', policy);
    assert.deepEqual([status, json.violations?.[0].field], [400, `policy.${field}`], JSON.stringify([policy, json]));
  }
};

/** Policies that call each other have a longest chain; a `not` has none inside. */
const deepPolicies = async ({ send, id }: Case): Promise<void> => {
  const path = '/v1/route-policies';
  const nameOf = (i: number): string => id(`deep${i}`);
  const longest = 32;
  for (let i = 1; i <= longest; i++) {
    const rules = i === 1 ? [{ end: 'accept' }] : [{ call: nameOf(i - 1) }];
    const { status, json } = await send('POST', path, { id: nameOf(i), rules });
    assert.equal(status, 201, JSON.stringify(json));
  }
  const says = /calls ".*" where more than 32 rule sets call each other in a chain: put some into one$/;
  const more = await send('POST', path, { id: id('more'), rules: [{ call: nameOf(longest) }] });
  const [violation] = more.json.violations ?? [];
  assert.deepEqual([more.status, violation?.field], [400, 'policy.rules[0].call'], JSON.stringify(more.json));
  assert.match(violation.description, says);
  // At the other end of the chain: it is the others that could not be used.
  const below = await send('PATCH', `${path}/${nameOf(1)}`, { rules: [{ call: 'bogons' }] });
  assert.equal(below.status, 400, JSON.stringify(below.json));
  assert.match(below.json.violations?.[0].description, says);
  for (let i = longest; i > 0; i--) assert.equal((await send('DELETE', `${path}/${nameOf(i)}`)).status, 204);

  for (const depth of [2, 10_000]) {
    const match = `${'{"not":'.repeat(depth)}{"from":["own"]}${'}'.repeat(depth)}`;
    const { status, json } = await send('POST', path, `{"rules":[{"match":${match},"end":"accept"}]}`);
    assert.equal(status, 400, JSON.stringify(json));
    assert.match(JSON.stringify(json), depth === 2 ? /must have no not of its own/ : /maximum recursion depth of 100/);
  }
};

const badRouting = async ({ send, id }: Case): Promise<void> => {
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

const whoMayDoWhat = async ({ api, send, id }: Case): Promise<void> => {
  const [own, foreign] = api.organisations;
  const [mine, theirs] = [id('mine'), id('theirs')];
  await send('POST', '/v1/tenants', { id: mine, organisation: own });
  await send('POST', '/v1/tenants', { id: theirs, organisation: foreign });
  const admin = createClient(api.fetch, await api.token('tenant-admin', own));
  const nobody = createClient(api.fetch, await api.token('developer', own));
  const network = { id: 'n', ipv4Pool: '10.1.0.0/24' };
  assert.equal((await admin('POST', `/v1/tenants/${mine}/networks`, network)).status, 201);
  assert.deepEqual(await reasonOf(admin('GET', `/v1/tenants/${theirs}`)), [404, 'TENANT_NOT_FOUND']);
  const seen: { id: string; organisation: string }[] = (await admin('GET', '/v1/tenants?page.size=1000')).json.tenants;
  assert.ok(seen.some((tenant) => tenant.id === mine));
  assert.deepEqual([...new Set(seen.map(({ organisation }) => organisation))], [own]);
  assert.deepEqual(await reasonOf(admin('POST', '/v1/tenants', { id: id('new') })), [403, 'ROLE_MISSING']);
  assert.deepEqual(await reasonOf(admin('GET', '/v1/pops')), [403, 'ROLE_MISSING']);
  assert.deepEqual(await reasonOf(nobody('GET', `/v1/tenants/${mine}`)), [403, 'ROLE_MISSING']);
  for (const token of ['', 'x.y.z']) {
    const refused = await createClient(api.fetch, token)('GET', '/v1/tenants');
    assert.deepEqual([refused.status, refused.json.reason], [401, token === '' ? 'TOKEN_MISSING' : 'TOKEN_INVALID']);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
};

const badFields = async ({ send, id }: Case): Promise<void> => {
  const bad = await send('POST', '/v1/tenants', { id: 'Not-An-Id', displayName: 'x'.repeat(101) });
  assert.deepEqual(
    [bad.status, bad.json.violations.map(({ field }: { field: string }) => field)],
    [400, ['tenant.id', 'tenant.display_name']],
  );
  await send('POST', '/v1/tenants', { id: id('bad') });
  const pool = await send('POST', `/v1/tenants/${id('bad')}/networks`, { id: 'n', ipv4Pool: '8.8.8.0/24' });
  assert.deepEqual([pool.status, pool.json.violations[0].field], [400, 'network.ipv4_pool']);
};

const MANY = 20;

const manyAtOnce = async ({ send, id }: Case): Promise<void> => {
  const base = `/v1/tenants/${id('many')}`;
  await send('POST', '/v1/tenants', { id: id('many') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.64.0.0/16' });
  const made = await Promise.all(
    Array.from({ length: MANY }, (_, i) => send('POST', `${base}/devices`, { id: `d${i}`, network: 'n' })),
  );
  for (const { status, json } of made) assert.equal(status, 201, JSON.stringify(json));
  assert.equal(new Set(made.map(({ json }) => json.ipv4Address)).size, MANY);
  assert.equal(new Set(made.map(({ json }) => json.ipv6Address)).size, MANY);
  const listed = await send('GET', `${base}/devices?page.size=1000`);
  assert.equal(listed.json.devices.length, MANY);
};

const revocation = async ({ send, id }: Case): Promise<void> => {
  const base = `/v1/tenants/${id('revoke')}`;
  await send('POST', '/v1/tenants', { id: id('revoke') });
  await send('POST', `${base}/networks`, { id: 'n', ipv4Pool: '10.1.0.0/24' });
  await send('POST', `${base}/devices`, { id: 'lost', network: 'n' });
  const revoked = await send('POST', `${base}/devices/lost/revoke`, { reason: 'stolen' });
  assert.equal(revoked.json.state, 'DEVICE_STATE_REVOKED');
  // Whoever comes first marks it, the call or what cleans up behind calls; both see it through.
  const state = async () => (await send('GET', `${base}/devices/lost`)).json.state === 'DEVICE_STATE_REVOKED';
  await eventually(async () => ((await state()) ? true : undefined), 'it is revoked');
};

const CASES: Readonly<Record<string, (run: Case) => Promise<void>>> = {
  'a tenant, its network and a device live and end': lifeAndEnd,
  'a deleted device leaves its id and address to nobody for a while': heldIds,
  'changes ask for the etag, name what is fixed, and change only what they name': etagsAndMasks,
  'a request with a key is carried out once and answered the same': keysOfRequests,
  'lists come in pages with tokens that belong to them': pages,
  'PoPs, workers and draining': popsAndWorkers,
  'prefixes, neighbours and uplinks': routing,
  'what routing does not take': badRouting,
  'route policies, and neighbours that have them': routePolicies,
  'what is no route policy': badPolicies,
  'route policies that are inside of each other too deep': deepPolicies,
  'zones, places and addresses of PoPs': names,
  'what names do not take': badNames,
  'who may do what': whoMayDoWhat,
  'bad fields are named, all at once': badFields,
  'twenty devices made at once have addresses of their own': manyAtOnce,
  'a revoked device is shown as one': revocation,
};

/** What the API does for its callers, as named functions that reject when it does not. */
export const apiSuite = (api: ApiUnderTest): readonly { readonly name: string; run(): Promise<void> }[] => {
  const id = (name: string): string => `${api.prefix}${name}`;
  return Object.entries(CASES).map(([name, run]) => ({
    name,
    run: async () => run({ api, id, send: createClient(api.fetch, await api.token('operator')) }),
  }));
};
