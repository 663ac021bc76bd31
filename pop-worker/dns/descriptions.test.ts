import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distanceKm } from '#model/distance.ts';
import type { DnsConfig } from '#model/dns.ts';
import { compileZone } from '#protocol/dns/zone.ts';
import { descriptionsOf } from './descriptions.ts';

const CONFIG: DnsConfig = {
  serial: 2 ** 32 + 7,
  pops: [
    { id: 'amsterdam', latitude: 52.37, longitude: 4.9, addresses: ['198.51.100.3'] },
    { id: 'frankfurt', latitude: 50.11, longitude: 8.68, addresses: ['198.51.100.2'] },
    { id: 'moscow', latitude: 55.75, longitude: 37.62, addresses: ['198.51.100.1', '2001:db8:1::1'] },
    { id: 'planned', latitude: 55.75, longitude: 37.62, addresses: [] },
  ],
  zones: [
    {
      domain: 'edge.example',
      mailbox: 'hostmaster.edge.example',
      nameServers: ['NS1.edge.example', 'ns.elsewhere.example'],
      services: ['www.edge.example'],
      records: ['ns1.edge.example A 192.0.2.53', 'ns1.edge.example AAAA 2001:DB8::53', 'any.edge.example A 192.0.2.1'],
      ttlSeconds: 30,
    },
  ],
  places: [
    { prefixes: ['203.0.113.0/24', '2001:db8:9::/48'], pops: ['frankfurt', 'gone'], latitude: 0, longitude: 0 },
    // Saint Petersburg.
    { prefixes: ['203.0.112.0/24'], pops: [], latitude: 59.94, longitude: 30.31 },
  ],
};

const describe = (pop: string | undefined, rttMs: readonly (readonly [string, number])[] = []) => {
  const [description] = descriptionsOf(CONFIG, { pop, rttMs: new Map(rttMs) });
  return description ?? assert.fail('no zone');
};
const order = (pop: string | undefined, rttMs: readonly (readonly [string, number])[] = []): string[] =>
  Object.keys(describe(pop, rttMs).pops);

test('of whom nothing is known is near to who was asked, then by round trips, else by distance', () => {
  assert.deepEqual(order('moscow'), ['moscow', 'frankfurt', 'amsterdam']);
  assert.deepEqual(order('amsterdam'), ['amsterdam', 'frankfurt', 'moscow']);
  assert.deepEqual(
    order('moscow', [
      ['amsterdam', 5],
      ['frankfurt', 40],
    ]),
    ['moscow', 'amsterdam', 'frankfurt'],
  );
  // 2,000 km are 20 ms.
  assert.deepEqual(order('moscow', [['amsterdam', 19]]), ['moscow', 'amsterdam', 'frankfurt']);
  assert.deepEqual(order('moscow', [['amsterdam', 25]]), ['moscow', 'frankfurt', 'amsterdam']);
  assert.deepEqual(order(undefined), ['amsterdam', 'frankfurt', 'moscow'], 'as they are listed');
  assert.deepEqual(order('nowhere'), ['amsterdam', 'frankfurt', 'moscow']);
});

test('places name PoPs or lie somewhere; a PoP that there is not, or has no address, is led to by nobody', () => {
  assert.deepEqual(describe('moscow').places, {
    '203.0.113.0/24': ['frankfurt'],
    '2001:db8:9::/48': ['frankfurt'],
    '203.0.112.0/24': ['moscow', 'frankfurt', 'amsterdam'],
  });
});

test('what is described can be served; the serial has 32 bits', () => {
  const description = describe('moscow');
  assert.equal(description.serial, 7);
  assert.deepEqual(description.servers, {
    'ns1.edge.example': ['192.0.2.53', '2001:db8::53'],
    'ns.elsewhere.example': [],
  });
  assert.doesNotThrow(() => compileZone(description));
});

test('distances along the earth', () => {
  const [moscow, petersburg] = [CONFIG.pops[2], CONFIG.places[1]];
  assert.ok(moscow !== undefined && petersburg !== undefined);
  assert.equal(Math.round(distanceKm(moscow, petersburg) / 10), 64);
  assert.equal(distanceKm(moscow, moscow), 0);
  assert.equal(
    Math.round(distanceKm({ latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 })),
    111,
    'across the date line',
  );
  assert.equal(Math.round(distanceKm({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 77 })), 20_015);
});
