import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PayloadReader } from '#protocol/http3/varint.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import {
  type AddressEntry,
  encodeAddressEntries,
  isRejection,
  isValidPrefix,
  MAX_ADDRESS_CAPSULE_BYTES,
  MAX_ADDRESSES,
  parseAddressEntries,
  rejectionOf,
} from './ip-addresses.ts';
import {
  checkRoutes,
  encodeRoutes,
  type IpRange,
  MAX_ROUTE_CAPSULE_BYTES,
  MAX_ROUTES,
  parseRoutes,
} from './ip-routes.ts';

const entries = (bytes: Uint8Array) => parseAddressEntries(new PayloadReader(bytes, 0, bytes.length));
const routes = (bytes: Uint8Array) => parseRoutes(new PayloadReader(bytes, 0, bytes.length));

const addressBytes = fc.constantFrom(4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const entry: fc.Arbitrary<AddressEntry> = fc
  .record({ requestId: fc.nat(), address: addressBytes, bits: fc.nat(128) })
  .map(({ requestId, address, bits }) => {
    const length = Math.min(bits, address.length * 8);
    const masked = address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));
    return { requestId, prefix: { address: masked, length } };
  });

test('addresses survive the round trip, truncation is malformed', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (list) => {
      const bytes = encodeAddressEntries(list);
      assert.deepEqual(entries(bytes), list);
      const boundaries = new Set(list.map((_, i) => encodeAddressEntries(list.slice(0, i)).length));
      for (let cut = 0; cut < bytes.length; cut++) {
        if (!boundaries.has(cut)) assert.equal(entries(bytes.subarray(0, cut)), undefined);
      }
    }),
  );
});

test('malformed addresses (RFC 9484 §4.7.1)', () => {
  assert.equal(entries(Uint8Array.of(0, 5, 1, 2, 3, 4, 32)), undefined, 'version 5');
  assert.equal(entries(Uint8Array.of(0, 4, 1, 2, 3, 4, 33)), undefined, 'length 33');
  assert.equal(entries(Uint8Array.of(0, 4, 1, 2, 3, 4, 29)), undefined, 'a bit behind the length');
  assert.equal(entries(Uint8Array.of(0, 4, 1, 2, 3, 5, 31)), undefined, 'bits behind the length');
  assert.equal(entries(Uint8Array.of(0, 4, 1, 2, 3, 4, 30))?.length, 1);
  const many = Array.from({ length: MAX_ADDRESSES + 1 }, () => Uint8Array.of(0, 4, 1, 2, 3, 4, 32));
  assert.equal(entries(Uint8Array.from(many.flatMap((one) => [...one]))), undefined, 'too many');
});

test('the longest list of addresses is as long as its capsule may be', () => {
  const address = parseIpAddress('2001:db8::1') as Uint8Array;
  const list = Array.from({ length: 64 }, (_, i) => ({ requestId: 2 ** 53 - 1 - i, prefix: { address, length: 128 } }));
  const bytes = encodeAddressEntries(list);
  assert.equal(bytes.length, MAX_ADDRESS_CAPSULE_BYTES);
  assert.deepEqual(entries(bytes), list);
});

test('what may be assigned, and what refuses a request (RFC 9484 §4.7.2)', () => {
  const prefix = (address: string, length: number) => ({ address: parseIpAddress(address) as Uint8Array, length });
  for (const [address, length] of [
    ['0.0.0.0', 0],
    ['10.0.0.1', 32],
    ['::', 0],
    ['::1', 128],
  ] as const) {
    assert.ok(isValidPrefix(prefix(address, length)), address);
    const refused = rejectionOf({ requestId: 7, prefix: prefix(address, length) });
    assert.equal(refused.requestId, 7);
    assert.ok(isRejection(refused) && isValidPrefix(refused.prefix));
    assert.ok(!isRejection({ ...refused, requestId: 0 }), 'it answers nobody');
  }
  assert.ok(!isRejection({ requestId: 1, prefix: prefix('0.0.0.0', 31) }));
  assert.ok(!isRejection({ requestId: 1, prefix: prefix('0.0.0.1', 32) }));
  for (const [address, length] of [
    ['10.0.0.1', 33],
    ['10.0.0.1', 31],
    ['10.0.0.1', -1],
    ['10.0.0.0', 8.5],
    ['128.0.0.0', 0],
    ['::1', 129],
  ] as const) {
    assert.ok(!isValidPrefix(prefix(address, length)), `${address}/${length}`);
  }
  assert.ok(!isValidPrefix({ address: new Uint8Array(5), length: 8 }));
});

const range = (start: string, end: string, protocol = 0): IpRange => ({
  start: parseIpAddress(start) as Uint8Array,
  end: parseIpAddress(end) as Uint8Array,
  protocol,
});

test('order and overlap of routes (RFC 9484 §4.7.3)', () => {
  const good: IpRange[][] = [
    [],
    [range('0.0.0.0', '255.255.255.255'), range('::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')],
    [range('10.0.0.0', '10.0.0.255'), range('10.0.1.0', '10.0.1.0')],
    [range('10.0.0.0', '10.0.0.255', 6), range('10.0.0.0', '10.0.0.255', 17)],
    [range('10.0.0.0', '10.0.0.9'), range('10.0.0.20', '10.0.0.29'), range('10.0.0.10', '10.0.0.19', 6)],
  ];
  for (const list of good) assert.equal(checkRoutes(list), undefined);
  const bad: readonly (readonly [string, IpRange[]])[] = [
    ['IPv6 before IPv4', [range('::', '::1'), range('1.0.0.0', '1.0.0.1')]],
    ['protocols descend', [range('1.0.0.0', '1.0.0.1', 17), range('2.0.0.0', '2.0.0.1', 6)]],
    ['addresses descend', [range('2.0.0.0', '2.0.0.1'), range('1.0.0.0', '1.0.0.1')]],
    ['ranges touch', [range('1.0.0.0', '1.0.0.1'), range('1.0.0.1', '1.0.0.2')]],
    ['the same twice', [range('1.0.0.0', '1.0.0.1'), range('1.0.0.0', '1.0.0.1')]],
    ['start above end', [range('1.0.0.1', '1.0.0.0')]],
    ['wildcard overlaps', [range('10.0.0.0', '10.0.0.255'), range('10.0.0.9', '10.0.0.9', 6)]],
    ['wildcard overlaps from below', [range('10.0.0.5', '10.0.0.9'), range('10.0.0.0', '10.0.0.5', 6)]],
    ['wildcard within', [range('10.0.0.5', '10.0.0.5'), range('10.0.0.0', '10.0.0.9', 6)]],
    ['versions mixed', [{ start: new Uint8Array(4), end: new Uint8Array(16), protocol: 0 }]],
  ];
  for (const [what, list] of bad) assert.notEqual(checkRoutes(list), undefined, what);
});

test('the longest list of routes is as long as its capsule may be, one more is refused', () => {
  const list = Array.from({ length: 1025 }, (_, i) => {
    const address = `2001:db8::${i.toString(16)}`;
    return range(address, address, 255);
  });
  const most = list.slice(0, 1024);
  assert.equal(encodeRoutes(most).length, MAX_ROUTE_CAPSULE_BYTES);
  assert.deepEqual(routes(encodeRoutes(most)), most);
  assert.equal(checkRoutes(most), undefined);
  assert.equal(routes(encodeRoutes(list)), undefined);
  assert.equal(checkRoutes(list), 'too many ranges');
});

test('a range that is none', () => {
  const bad = [
    { ...range('10.0.0.0', '10.0.0.0'), protocol: 256 },
    { ...range('10.0.0.0', '10.0.0.0'), protocol: -1 },
    { ...range('10.0.0.0', '10.0.0.0'), protocol: 0.5 },
    range('10.0.0.0', '::'),
    range('10.0.0.1', '10.0.0.0'),
    { start: new Uint8Array(5), end: new Uint8Array(5), protocol: 0 },
  ];
  for (const one of bad) assert.equal(checkRoutes([one]), 'invalid range');
});

test('a range for all protocols touches none for a single protocol, in either family', () => {
  for (const at of [(n: number) => `10.0.0.${n}`, (n: number) => `2001:db8::${n}`]) {
    const overlap = (from: number, to: number): boolean =>
      checkRoutes([range(at(10), at(19)), range(at(30), at(39)), range(at(from), at(to), 6)]) !== undefined;
    for (const [from, to] of [
      [0, 9],
      [20, 29],
      [40, 49],
    ] as const) {
      assert.equal(overlap(from, to), false, `${from} to ${to}`);
    }
    for (const [from, to] of [
      [0, 10],
      [19, 29],
      [20, 30],
      [39, 49],
      [0, 49],
      [12, 13],
    ] as const) {
      assert.equal(overlap(from, to), true, `${from} to ${to}`);
    }
  }
  assert.equal(checkRoutes([range('10.0.0.0', '10.0.0.9'), range('::', '::9', 6)]), undefined, 'another family');
});

test('sorted routes without overlap may be sent', () => {
  const octet = fc.nat(255);
  const single = fc.tuple(octet, fc.constantFrom(0, 6, 17), fc.boolean());
  fc.assert(
    fc.property(fc.uniqueArray(single, { maxLength: 20, selector: ([n]) => n }), (list) => {
      const ranges = list.map(([n, protocol, six]) =>
        six
          ? range(`2001:db8::${n.toString(16)}`, `2001:db8::${n.toString(16)}`, protocol)
          : range(`10.0.0.${n}`, `10.0.0.${n}`, protocol),
      );
      const order = ({ start, protocol }: IpRange) => [start.length, protocol, start.at(-1) ?? 0] as const;
      const sorted = ranges.toSorted((a, b) =>
        order(a).reduce((sign, part, i) => sign || part - (order(b)[i] ?? 0), 0),
      );
      assert.equal(checkRoutes(sorted), undefined);
      assert.deepEqual(routes(encodeRoutes(sorted)), sorted);
    }),
  );
});

test('malformed routes', () => {
  const bytes = encodeRoutes([range('10.0.0.0', '10.0.0.9', 6)]);
  for (let cut = 1; cut < bytes.length; cut++) assert.equal(routes(bytes.subarray(0, cut)), undefined);
  assert.equal(routes(Uint8Array.of(5, ...bytes.subarray(1))), undefined);
  const many = new Uint8Array(10 * (MAX_ROUTES + 1));
  for (let i = 0; i <= MAX_ROUTES; i++) many.set(bytes, i * 10);
  assert.equal(routes(many), undefined);
});

test('any bytes give entries and routes or nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const list = entries(bytes);
      if (list !== undefined) assert.deepEqual(entries(encodeAddressEntries(list)), list);
      const ranges = routes(bytes);
      if (ranges !== undefined) assert.deepEqual(encodeRoutes(ranges), bytes);
    }),
    { numRuns: 1000 },
  );
});
