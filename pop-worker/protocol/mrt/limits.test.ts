import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRib, Peer } from '#protocol/bgp/rib/testing/peers.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { dumpRoutes } from './dump.ts';
import { MrtError } from './errors.ts';
import { type MrtMessage, readSessionRecord, writeMessage } from './messages.ts';
import { HEADER_BYTES, MAX_RECORD_BYTES, MrtType, readRecord } from './record.ts';
import { readPeerIndex, readRoutes, TableSubtype, writePeerIndex, writeRoutes } from './table-dump.ts';

const lengthAt = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer).getUint32(at + 8);

/** What is read of the first record of a buffer, or why nothing is. */
const first = (bytes: Uint8Array): unknown => {
  try {
    const record = readRecord(bytes, 0, bytes.length);
    if (record === undefined || record.type < MrtType.tableDumpV2) return record;
    if (record.type !== MrtType.tableDumpV2) return readSessionRecord(bytes, record);
    return record.subtype === TableSubtype.peerIndex ? readPeerIndex(bytes, record) : readRoutes(bytes, record);
  } catch (error) {
    if (!(error instanceof MrtError)) throw error;
    return error.message;
  }
};

test('what lies behind a record has nothing to do with it, wherever the record says that it ends', () => {
  for (const { name, bytes } of readCorpus(new URL('testing/corpus/files.json', import.meta.url))) {
    for (let at = 0; bytes.length - at >= HEADER_BYTES; at += HEADER_BYTES + lengthAt(bytes, at)) {
      const whole = bytes.slice(at);
      const most = Math.min(lengthAt(whole, 0), whole.length - HEADER_BYTES);
      for (let length = 0; length <= most; length++) {
        const [zeros, ones] = [0, 0xff].map((behind) => {
          const buffer = new Uint8Array(whole.length + 100).fill(behind);
          buffer.set(whole.subarray(0, HEADER_BYTES + length));
          new DataView(buffer.buffer).setUint32(8, length);
          return first(buffer);
        });
        assert.deepEqual(zeros, ones, `${name}: ${length} bytes of the record at ${at}`);
      }
    }
  }
});

test('a record that is not there to its last byte is none, and the longest that is taken has 64 MiB', () => {
  const bytes = writePeerIndex(1, { collector: 1, view: '', peers: [] });
  assert.ok(readRecord(bytes, 0, bytes.length) !== undefined);
  assert.equal(readRecord(bytes, 0, bytes.length - 1), undefined);
  assert.equal(readRecord(bytes, 0, HEADER_BYTES - 1), undefined);
  const head = bytes.slice(0, HEADER_BYTES);
  new DataView(head.buffer).setUint32(8, MAX_RECORD_BYTES);
  assert.equal(readRecord(head, 0, HEADER_BYTES), undefined);
  new DataView(head.buffer).setUint32(8, MAX_RECORD_BYTES + 1);
  assert.throws(() => readRecord(head, 0, HEADER_BYTES), /a record of 67108865 bytes/);
  assert.equal(MAX_RECORD_BYTES, 2 ** 26);
});

test('as many peers, routes and bytes of attributes are written as two bytes can say, and read again', () => {
  const peer = { identifier: 1, address: Uint8Array.of(192, 0, 2, 1), as: 1 };
  const index = writePeerIndex(0, { collector: 1, view: 'x', peers: new Array(65_535).fill(peer) });
  assert.equal(readPeerIndex(index, readRecord(index, 0, index.length)!).peers.length, 65_535);
  const routes = (count: number, bytes: number) => {
    const entry = { peer: 0, originatedAt: 0, attributes: new Uint8Array(bytes) };
    const nlri = Uint8Array.of(0);
    return writeRoutes(0, { sequence: 0, family: Family.ipv4Unicast, nlri, entries: new Array(count).fill(entry) });
  };
  for (const [count, bytes] of [
    [65_535, 0],
    [1, 65_535],
  ] as const) {
    const written = routes(count, bytes);
    const read = readRoutes(written, readRecord(written, 0, written.length)!);
    assert.deepEqual([read?.entries.length, read?.entries[0]?.attributes.length], [count, bytes]);
  }
  assert.throws(() => routes(65_536, 0), /65536 routes to one destination/);
  assert.throws(() => routes(1, 65_536), /65536 bytes of attributes/);
});

test('RFC 6793 §9: an AS number that two bytes cannot say is AS_TRANS there, and no other is', () => {
  const message: MrtMessage = {
    ...{ peerAs: 65_535, localAs: 65_536, interfaceIndex: 0 },
    ...{ peerAddress: Uint8Array.of(1, 2, 3, 4), localAddress: Uint8Array.of(1, 2, 3, 5) },
    ...{ isOurs: false, asBytes: 2, hasPathIds: false, message: Uint8Array.of(1) },
  };
  const bytes = writeMessage({ seconds: 0, microseconds: 0 }, message);
  const read = readSessionRecord(bytes, readRecord(bytes, 0, bytes.length)!);
  assert.deepEqual([read?.peerAs, read?.localAs], [65_535, 23_456]);
});

test('a dump has what is there: nothing of a destination that has gone, each family by its own next hop', () => {
  const rib = newRib();
  const one = new Peer(rib, { as: 64_500 }).up();
  const route = { origin: 0, path: [64_500], nextHop: '198.51.100.1' };
  one.announce(route, '203.0.113.0/24', '198.18.0.0/15', '0.0.0.0/0', '192.0.2.1/32');
  one.announce({ ...route, nextHop: '2001:db8::7' }, '2001:db8:1::/49', '::/0');
  one.withdraw('198.18.0.0/15');
  const peers = [{ index: one.index, identifier: 1, address: Uint8Array.of(1, 2, 3, 4), as: 64_500 }];
  const read = [...dumpRoutes(rib, 1, peers, 5)].slice(1).map((bytes) => {
    const routes = readRoutes(bytes, readRecord(bytes, 0, bytes.length)!)!;
    return [routes.sequence, Buffer.from(routes.nlri).toString('hex'), routes.entries.length];
  });
  assert.deepEqual(
    read.map(([sequence]) => sequence),
    [0, 1, 2, 3, 4],
  );
  const nlri = read.map(([, bytes]) => bytes).sort();
  assert.deepEqual(nlri, ['00', '00', '18cb0071', '20c0000201', '3120010db8000100']);
});
