import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc, { type Arbitrary } from 'fast-check';
import { newAddress } from './address.ts';
import { addressBytes, Family } from './family.ts';
import { MessageReader } from './header.ts';
import { KINDS, type Objects } from './kinds.ts';
import { newLink } from './link.ts';
import { newNeighbour } from './neighbour.ts';
import { newNextHop } from './nexthop.ts';
import { newRoute, type Route } from './route.ts';
import { newRule } from './rule.ts';
import { MessageWriter } from './writer.ts';

const PLAIN = { noNullPrototype: true } as const;

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(u16, fc.integer({ min: 0, max: 0xffff_ffff }));
const device = fc.stringMatching(/^[a-z][a-z0-9.-]{0,14}$/);
const octets = (length: number): Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const maybe = <Value>(of: Arbitrary<Value>): Arbitrary<Value | undefined> => fc.option(of, { nil: undefined });
const maybeName = fc.option(device, { nil: '' });
const weight = fc.integer({ min: 1, max: 256 });
const family = fc.constantFrom(Family.ipv4, Family.ipv6);
const gateway = maybe(fc.oneof(octets(4), octets(16)));
/** What a table of 252 means depends on an attribute; the kernel never tells it alone. */
const table = u32.filter((of) => of !== 252);

const hop = fc.record({ device: u32, gateway, weight, flags: u8 }, PLAIN);

const route = family.chain((of): Arbitrary<Route> => {
  const bytes = addressBytes(of);
  return fc
    .record({
      destination: octets(bytes),
      destinationLength: fc.integer({ min: 0, max: bytes * 8 }),
      source: maybe(octets(bytes)),
      sourceLength: fc.integer({ min: 0, max: bytes * 8 }),
      typeOfService: u8,
      table,
      protocol: u8,
      scope: u8,
      type: u8,
      flags: u32,
      metric: u32,
      device: u32,
      gateway,
      preferredSource: maybe(octets(bytes)),
      nextHop: u32,
      hops: fc.array(hop, { maxLength: 4 }),
      mtu: u32,
    })
    .map((fields) =>
      newRoute({
        family: of,
        ...fields,
        ...(fields.destinationLength === 0 && { destination: new Uint8Array(bytes) }),
      }),
    );
});

const rule = family.chain((of) => {
  const bytes = addressBytes(of);
  const length = fc.integer({ min: 0, max: bytes * 8 });
  return fc
    .record({
      source: maybe(octets(bytes)),
      sourceLength: length,
      destination: maybe(octets(bytes)),
      destinationLength: length,
      typeOfService: u8,
      table,
      action: u8,
      flags: u32,
      priority: u32,
      mark: u32,
      markMask: u32,
      inputDevice: maybeName,
      outputDevice: maybeName,
      protocol: u8,
      ipProtocol: u8,
      suppressPrefixLength: maybe(fc.integer({ min: 0, max: 128 })),
    })
    .map((fields) => newRule({ family: of, ...fields }));
});

const nextHop = family.chain((of) =>
  fc
    .record({
      scope: u8,
      protocol: u8,
      flags: u32,
      id: u32,
      group: fc.array(fc.record({ id: u32, weight }, PLAIN), { maxLength: 5 }),
      isBlackhole: fc.boolean(),
      device: u32,
      gateway: maybe(octets(addressBytes(of))),
    })
    .map((fields) => newNextHop({ family: of, ...fields })),
);

const address = family.chain((of) => {
  const local = octets(addressBytes(of));
  return fc
    .record({ prefixLength: u8, scope: u8, index: u32, flags: u32, local, peer: maybe(local) })
    .map((fields) => newAddress({ family: of, ...fields }));
});

const link = fc
  .record({
    family: u8,
    index: u32,
    hardware: u16,
    flags: u32,
    change: u32,
    name: maybeName,
    mtu: u32,
    master: u32,
    operation: u8,
    address: maybe(fc.uint8Array({ maxLength: 32 })),
    kind: maybeName,
  })
  .map((fields) => newLink(fields));

const neighbour = fc
  .record({
    family: u8,
    index: u32,
    state: u16,
    flags: u8,
    type: u8,
    address: maybe(fc.uint8Array({ maxLength: 16 })),
    linkAddress: maybe(fc.uint8Array({ maxLength: 32 })),
  })
  .map((fields) => newNeighbour(fields));

const ARBITRARY: { readonly [Name in keyof Objects]: Arbitrary<Objects[Name]> } = {
  address,
  link,
  neighbour,
  nextHop,
  route,
  rule,
};

const roundTrip = <Name extends keyof Objects>(name: Name): void => {
  const kind = KINDS[name];
  const writer = new MessageWriter(64);
  const reader = new MessageReader();
  fc.assert(
    fc.property(ARBITRARY[name], u16, u16, u32, (object, type, flags, sequence) => {
      writer.reset();
      // Two, the first of which must not reach into the second.
      for (const extra of [0, 1]) {
        writer.begin(type, flags, (sequence + extra) >>> 0);
        kind.write(writer, object);
        writer.end();
      }
      reader.begin(writer.bytes, writer.length);
      for (const extra of [0, 1]) {
        assert.equal(reader.next(), true);
        const { type: t, flags: f, sequence: s, port } = reader;
        assert.deepEqual([t, f, s, port], [type, flags, (sequence + extra) >>> 0, 0]);
        assert.deepEqual(kind.read(reader.bytes, reader.at, reader.end), object);
      }
      assert.equal(reader.next(), false);
    }),
  );
};

for (const name of Object.keys(KINDS) as (keyof Objects)[]) {
  test(`each ${name} that is written is read as it was`, () => roundTrip(name));
}
