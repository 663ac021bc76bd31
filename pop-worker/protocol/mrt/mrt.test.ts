import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRib, Peer } from '#protocol/bgp/rib/testing/peers.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { dumpRoutes } from './dump.ts';
import { MrtError } from './errors.ts';
import { type MrtMessage, type MrtStateChange, readSessionRecord, writeMessage, writeStateChange } from './messages.ts';
import { readRecord } from './record.ts';
import {
  type MrtRoutes,
  type PeerIndex,
  readPeerIndex,
  readRoutes,
  writePeerIndex,
  writeRoutes,
} from './table-dump.ts';

const ipv4 = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes);
const IPV6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1);
const INDEX: PeerIndex = {
  collector: 0xc000_0201,
  view: 'edge',
  peers: [
    { identifier: 1, address: ipv4(192, 0, 2, 1), as: 64_500 },
    { identifier: 2, address: IPV6, as: 4_200_000_001 },
  ],
};
const TIME = { seconds: 1_700_000_000, microseconds: 123_456 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The record, in the middle of other bytes. */
const recordOf = (bytes: Uint8Array) => {
  const buffer = Uint8Array.of(9, 9, 9, ...bytes, 9);
  const record = readRecord(buffer, 3, buffer.length - 1);
  assert.ok(record !== undefined);
  assert.equal(record.end, buffer.length - 1);
  return { buffer, record };
};

test('the index of peers, byte by byte and back (RFC 6396 §4.3.1)', () => {
  const bytes = writePeerIndex(TIME.seconds, INDEX);
  assert.equal(
    hex(bytes),
    '6553f100000d000100000032' +
      'c0000201000465646765' +
      '0002' +
      '0200000001c00002010000fbf4' +
      '030000000220010db8000000000000000000000001fa56ea01',
  );
  const { buffer, record } = recordOf(bytes);
  assert.deepEqual(readPeerIndex(buffer, record), INDEX);
  const short = '6553f100000d00010000001300000001000000010000000002c0000202fbf4';
  const old = recordOf(Uint8Array.from(Buffer.from(short, 'hex')));
  assert.deepEqual(readPeerIndex(old.buffer, old.record).peers, [
    { identifier: 2, address: ipv4(192, 0, 2, 2), as: 64_500 },
  ]);
});

test('routes of each family, byte by byte and back (RFC 6396 §4.3.2 to §4.3.4)', () => {
  const attributes = ipv4(0x40, 1, 1, 0);
  const cases: readonly (readonly [MrtRoutes, string])[] = [
    [
      {
        sequence: 7,
        family: Family.ipv4Unicast,
        nlri: ipv4(23, 192, 0, 2),
        entries: [{ peer: 1, originatedAt: 5, attributes }],
      },
      '6553f100000d000200000016' + '00000007' + '17c00002' + '0001' + '0001000000050004' + '40010100',
    ],
    [
      { sequence: 8, family: Family.ipv6Unicast, nlri: ipv4(0), entries: [] },
      '6553f100000d000400000007' + '00000008' + '00' + '0000',
    ],
    [
      {
        sequence: 9,
        family: Family.ipv4Flow,
        nlri: ipv4(3, 3, 0x81, 6),
        entries: [{ peer: 0, originatedAt: 5, attributes: ipv4() }],
      },
      '6553f100000d000600000015' + '00000009' + '000185' + '03038106' + '0001' + '0000000000050000',
    ],
  ];
  for (const [routes, expected] of cases) {
    const bytes = writeRoutes(TIME.seconds, routes);
    assert.equal(hex(bytes), expected);
    const { buffer, record } = recordOf(bytes);
    assert.deepEqual(readRoutes(buffer, record), routes);
  }
});

const SESSION = {
  peerAs: 4_200_000_001,
  localAs: 64_512,
  interfaceIndex: 3,
  peerAddress: ipv4(192, 0, 2, 1),
  localAddress: ipv4(192, 0, 2, 2),
};

test('messages and changes of state, byte by byte and back (RFC 6396 §4.4)', () => {
  const message = Uint8Array.of(...new Uint8Array(16).fill(0xff), 0, 19, 4);
  const written: MrtMessage = { ...SESSION, isOurs: false, asBytes: 4, hasPathIds: false, message };
  const head = '0001e240fa56ea010000fc0000030001c0000201c0000202';
  assert.equal(hex(writeMessage(TIME, written)), `6553f1000011000400000 02b${head}${hex(message)}`.replace(' ', ''));
  for (const each of [written, { ...written, isOurs: true }, { ...written, peerAddress: IPV6, localAddress: IPV6 }]) {
    const { buffer, record } = recordOf(writeMessage(TIME, each));
    assert.deepEqual(record.time, TIME);
    assert.deepEqual(readSessionRecord(buffer, record), each);
  }
  const old = recordOf(writeMessage(TIME, { ...written, asBytes: 2, isOurs: true }));
  assert.deepEqual(readSessionRecord(old.buffer, old.record), { ...written, asBytes: 2, isOurs: true, peerAs: 23_456 });
  const change: MrtStateChange = { ...SESSION, from: 5, to: 6 };
  const bytes = writeStateChange(TIME, change);
  assert.equal(hex(bytes), `6553f100001100050000001c${head}00050006`);
  const { buffer, record } = recordOf(bytes);
  assert.deepEqual(readSessionRecord(buffer, record), change);
});

test('path identifiers, in tables and in messages (RFC 8050)', () => {
  const entry = { peer: 0, originatedAt: 5, pathId: 9, attributes: ipv4(0x40, 1, 1, 0) };
  for (const [family, subtype] of [
    [Family.ipv4Unicast, 8],
    [Family.ipv6Unicast, 10],
  ] as const) {
    const routes = { sequence: 1, family, nlri: ipv4(8, 10), entries: [entry, { ...entry, pathId: 0 }] };
    const { buffer, record } = recordOf(writeRoutes(1, routes));
    assert.equal(record.subtype, subtype);
    assert.deepEqual(readRoutes(buffer, record), routes);
  }
  const bytes = writeRoutes(1, { sequence: 1, family: Family.ipv4Unicast, nlri: ipv4(0), entries: [entry] });
  assert.equal(hex(bytes.subarray(19)), '0000' + '00000005' + '00000009' + '0004' + '40010100');
  const mixed = [entry, { peer: 0, originatedAt: 5, attributes: ipv4() }];
  for (const [family, entries] of [
    [Family.ipv4Unicast, mixed],
    [Family.ipv4Unicast, mixed.toReversed()],
    [Family.ipv4Flow, [entry]],
  ] as const)
    assert.throws(() => writeRoutes(1, { sequence: 1, family, nlri: ipv4(0), entries }), RangeError);
  const message = ipv4(1, 2, 3);
  const subtypes = [2, 4].flatMap((asBytes) =>
    [false, true].map((isOurs) => {
      const written: MrtMessage = { ...SESSION, isOurs, asBytes: asBytes as 2 | 4, hasPathIds: true, message };
      const { buffer, record } = recordOf(writeMessage(TIME, written));
      assert.deepEqual(readSessionRecord(buffer, record), { ...written, ...(asBytes === 2 && { peerAs: 23_456 }) });
      return record.subtype;
    }),
  );
  assert.deepEqual(subtypes, [8, 10, 9, 11]);
});

test('records of two families, or beyond what they can say, are not written', () => {
  assert.throws(() => writeStateChange(TIME, { ...SESSION, localAddress: IPV6, from: 1, to: 2 }), RangeError);
  const entry = { peer: 0, originatedAt: 0, attributes: new Uint8Array(65_536) };
  assert.throws(() => writeRoutes(0, { sequence: 0, family: 0x0101, nlri: ipv4(0), entries: [entry] }), RangeError);
  const [peer] = INDEX.peers;
  assert.throws(() => writePeerIndex(0, { ...INDEX, peers: Array.from({ length: 65_536 }, () => peer!) }), RangeError);
});

test('a record that is cut is not whole; one whose fields are cut is an error', () => {
  const whole = [
    writePeerIndex(1, INDEX),
    writeRoutes(1, {
      sequence: 7,
      family: 0x0101,
      nlri: ipv4(8, 10),
      entries: [{ peer: 0, originatedAt: 5, attributes: ipv4(1, 2) }],
    }),
    writeStateChange(TIME, { ...SESSION, from: 1, to: 2 }),
  ];
  const read = (bytes: Uint8Array, kind: number) => {
    const { buffer, record } = recordOf(bytes);
    if (kind === 0) readPeerIndex(buffer, record);
    else if (kind === 1) readRoutes(buffer, record);
    else readSessionRecord(buffer, record);
  };
  for (const [kind, bytes] of whole.entries()) {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(readRecord(bytes, 0, length), undefined);
      if (length < 16) continue;
      const cut = bytes.slice(0, length);
      new DataView(cut.buffer).setUint32(8, length - 12);
      assert.throws(() => read(cut, kind), MrtError, `${kind} at ${length}`);
    }
    const longer = Uint8Array.of(...bytes, 0);
    new DataView(longer.buffer).setUint32(8, longer.length - 12);
    assert.throws(() => read(longer, kind), MrtError);
  }
  assert.throws(() => readRecord(Uint8Array.from(Buffer.from('00000000000d000104000001', 'hex')), 0, 12), MrtError);
});

test('a dump has each route of the peers that it names, with its next hop', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const two = new Peer(rib, { as: 64_501 }).up();
  const route = { origin: 0, path: [64_500, 7], nextHop: '198.51.100.1', med: 3 };
  one.announce(route, '203.0.113.0/24', '198.18.0.0/15');
  two.announce({ ...route, path: [64_501] }, '203.0.113.0/24');
  one.announce({ ...route, nextHop: '2001:db8::7' }, '2001:db8:1::/48');
  const peers = [one, two].map(({ index }, i) => ({
    index,
    identifier: i,
    address: ipv4(192, 0, 2, i),
    as: 64_500 + i,
  }));
  const records = [...dumpRoutes(rib, 1, peers, 5)].map(recordOf);
  const [index, ...routes] = records;
  assert.deepEqual(
    readPeerIndex(index!.buffer, index!.record).peers.map(({ as }) => as),
    [64_500, 64_501],
  );
  const read = routes.map(({ buffer, record }) => readRoutes(buffer, record)!);
  assert.deepEqual(
    read.map(({ sequence, nlri, entries }) => [sequence, hex(nlri), entries.map(({ peer }) => peer).sort()]),
    [
      [0, '18cb0071', [0, 1]],
      [1, '0fc612', [0]],
      [2, '3020010db80001', [0]],
    ],
  );
  assert.equal(
    hex(read[1]!.entries[0]!.attributes),
    '40010100' + '40020a02020000fbf400000007' + '400304c6336401' + '80040400000003',
  );
  assert.equal(
    hex(read[2]!.entries[0]!.attributes).slice(-54),
    '8004040000000380' + '0e1110' + '20010db8000000000000000000000007',
  );
  const some = [...dumpRoutes(rib, 1, peers.slice(1), 5)];
  assert.equal(some.length, 2, 'what is not of a named peer is left out');
});
