import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Family } from './family.ts';
import { KINDS } from './kinds.ts';
import { isUsable, LinkFlag, newLink } from './link.ts';
import { newNextHop } from './nexthop.ts';
import { newRoute } from './route.ts';
import { newRule } from './rule.ts';
import { MessageWriter, MOST_BATCH_BYTES } from './writer.ts';

const hexOf = (write: (writer: MessageWriter) => void): string => {
  const writer = new MessageWriter(4);
  // What was there before must not show.
  writer.bytes = new Uint8Array(4).fill(0xee);
  writer.begin(24, 0x605, 7);
  write(writer);
  writer.end();
  return Buffer.from(writer.bytes.subarray(16, writer.length)).toString('hex');
};

// By hand from linux/rtnetlink.h, linux/nexthop.h, linux/fib_rules.h and linux/if_link.h.
test('bodies as the headers of the kernel have them', () => {
  const route = newRoute({
    destination: Uint8Array.of(203, 0, 113, 0),
    destinationLength: 24,
    table: 20_300,
    protocol: 203,
    metric: 5,
    nextHop: 0x0102_0304,
    mtu: 1400,
  });
  assert.equal(
    hexOf((writer) => KINDS.route.write(writer, route)),
    '02180000fccb000100000000' +
      '08000100cb007100' +
      '08000f004c4f0000' +
      '0800060005000000' +
      '08001e0004030201' +
      '0c0008000800020078050000',
  );
  const by6 = newRoute({ gateway: new Uint8Array(16).fill(0xaa), table: 254, destinationLength: 0, device: 3 });
  assert.equal(
    hexOf((writer) => KINDS.route.write(writer, by6)),
    `${'02000000fe00000100000000'}${'0800040003000000'}${'160012000a00'}${'aa'.repeat(16)}0000`,
  );
  const of6 = newRoute({ family: Family.ipv6, gateway: Uint8Array.of(1, 2, 3, 4) });
  assert.equal(
    hexOf((writer) => KINDS.route.write(writer, of6)),
    '0a000000fe000001000000000a001200020001020304' + '0000',
  );
  const hops = [
    { device: 2, gateway: Uint8Array.of(192, 0, 2, 2), weight: 3, flags: 4 },
    { device: 3, gateway: undefined, weight: 256, flags: 0 },
  ];
  assert.equal(
    hexOf((writer) => KINDS.route.write(writer, newRoute({ hops }))),
    `${'02000000fe00000100000000'}${'1c000900'}${'10000402020000000800050' + '0c0000202'}${'080000ff03000000'}`,
  );
  const group = [
    { id: 5, weight: 200 },
    { id: 6, weight: 1 },
  ];
  assert.equal(
    hexOf((writer) => KINDS.nextHop.write(writer, newNextHop({ id: 8, group, protocol: 203 }))),
    `${'0000cb0000000000'}${'0800010008000000'}${'14000200'}${'05000000c7000000'}${'0600000000000000'}`,
  );
  assert.equal(
    hexOf((writer) => KINDS.nextHop.write(writer, newNextHop({ family: 10, isBlackhole: true }))),
    `${'0a00000000000000'}04000400`,
  );
  const rule = newRule({ table: 7, inputDevice: 'a0', suppressPrefixLength: 0 });
  assert.equal(
    hexOf((writer) => KINDS.rule.write(writer, rule)),
    `${'020000000700000100000000'}${'0700030061300000'}${'08000e0000000000'}`,
  );
  const link = newLink({ index: 3, flags: 1, change: 1, addressGeneration: 1 });
  assert.equal(
    hexOf((writer) => KINDS.link.write(writer, link)),
    `${'0000000003000000'}${'0100000001000000'}${'10001a80'}${'0c000a80'}${'0500080001000000'}`,
  );
});

test('a batch, an attribute and what lies in one have their limits, and what does not fit leaves no trace', () => {
  const exchange = new Exchange();
  exchange.begin({});
  const add = (bytes: number): void => exchange.add(16, 0, (writer) => writer.octets(1, new Uint8Array(bytes)));
  add(100);
  const before = exchange.bytes;
  const tooLarge = (error: unknown): boolean =>
    error instanceof NetlinkError && error.code === NetlinkFault.tooLarge && error.fault === 'local';
  assert.throws(() => add(65_532), tooLarge);
  assert.throws(
    () =>
      exchange.add(16, 0, (writer) => {
        const at = writer.beginNested(1);
        writer.octets(1, new Uint8Array(40_000));
        writer.octets(1, new Uint8Array(40_000));
        writer.endNested(at);
      }),
    tooLarge,
  );
  assert.deepEqual([exchange.bytes, exchange.count], [before, 1]);
  add(65_531);
  const nested = new MessageWriter();
  const outer = nested.beginNested(1);
  nested.octets(1, new Uint8Array(65_520));
  nested.endNested(outer);
  const writer = new MessageWriter();
  writer.take(MOST_BATCH_BYTES);
  assert.throws(() => writer.take(1), tooLarge);
  writer.reset();
  writer.take(1);
  assert.equal(writer.length, 4);
});

test('packets can leave by a link that is up and has a carrier', () => {
  const usable = [0, LinkFlag.up, LinkFlag.running, LinkFlag.up | LinkFlag.running, 0x1_0043].map((flags) =>
    isUsable({ flags }),
  );
  assert.deepEqual(usable, [false, false, false, true, true]);
});
