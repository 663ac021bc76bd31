import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError, MeshErrorCode } from '../errors.ts';
import { FrameSplitter, FrameType, frameOf, MOST_FRAME_BYTES } from './frame.ts';
import { readHello, writeHello } from './hello.ts';
import {
  HALF_HEADER_BYTES,
  halfNumber,
  isFirstHalf,
  isHalf,
  PACKET_HEADER_BYTES,
  PacketHeader,
  RELAYED_HEADER_BYTES,
  writeHalfHeader,
  writePacketHeader,
  writeRelayedHeader,
} from './packet.ts';
import { MOST_ENTRIES, readHave, readWant, writeHave, writeWant } from './presence.ts';
import { MOST_UNHEARD, readProbe } from './probe.ts';
import { Reader } from './reader.ts';
import { MOST_RELAYED_BYTES, readRelay, writeRelay } from './relay.ts';
import { MOST_SOURCES, readDevicePlace, writeDevicePlace } from './sources.ts';
import { MOST_MEMBERS, readVector, writeVector } from './vector.ts';
import { Writer } from './writer.ts';

const reader = (bytes: Uint8Array): Reader => new Reader(bytes, 0, bytes.length);
const isFrame = (error: unknown): boolean =>
  error instanceof MeshError && error.code === MeshErrorCode.frame && error.fault === 'remote';

test('types of frames are those of SPEC.md, and frames have 8,192 bytes at most', () => {
  const types = {
    hello: 1,
    vector: 2,
    update: 3,
    confirm: 4,
    digest: 5,
    have: 6,
    want: 7,
    relay: 8,
    sessions: 9,
    ask: 10,
    filters: 11,
    askFilters: 12,
    prefixes: 13,
  };
  assert.deepEqual({ ...FrameType }, types);
  assert.equal(frameOf(1, new Uint8Array(MOST_FRAME_BYTES)).length, 3 + 8192);
  assert.throws(() => frameOf(1, new Uint8Array(MOST_FRAME_BYTES + 1)), RangeError);
  const splitter = new FrameSplitter();
  assert.throws(() => splitter.push(Uint8Array.of(1, 0x20, 1), () => assert.fail()), isFrame);
  new FrameSplitter().push(Uint8Array.of(1, 0x20, 0), () => assert.fail());
  assert.equal(MOST_RELAYED_BYTES, 8192 - 5 - 3);
});

test('what is longest is written and read, one more is neither', () => {
  const relay = { from: 1, to: 2, type: FrameType.update, payload: new Uint8Array(MOST_FRAME_BYTES - 5) };
  assert.deepEqual(readRelay(reader(writeRelay(relay))), relay);
  const entries = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ key: `k${String(i).padStart(3, '0')}`, epoch: i, member: 1 }));
  const have = (count: number) => writeHave({ leaf: 65_535, after: '', toEnd: true, entries: entries(count) });
  assert.equal(readHave(reader(have(MOST_ENTRIES))).entries.length, 50);
  assert.throws(() => readHave(reader(have(MOST_ENTRIES + 1))), isFrame);
  const keys = (count: number) => writeWant(entries(count).map(({ key }) => key));
  assert.equal(readWant(reader(keys(MOST_ENTRIES))).length, 50);
  assert.throws(() => readWant(reader(keys(MOST_ENTRIES + 1))), isFrame);
  const costs = new Map(Array.from({ length: MOST_MEMBERS }, (_, i) => [i + 1, i] as const));
  assert.equal(readVector(reader(writeVector(costs))).size, 1024);
  assert.throws(() => writeVector(new Map([...costs, [2000, 1]])), RangeError);
  const sources = (count: number) => ({
    ...{ thread: 0, id: 0, serial: 0 },
    sources: Array.from({ length: count }, () => ({ address: new Uint8Array(16).fill(1), length: 128 })),
    outside: { address: 1, port: 1 },
  });
  assert.equal(readDevicePlace(reader(writeDevicePlace(sources(MOST_SOURCES)))).sources.length, 66);
  assert.throws(() => writeDevicePlace(sources(MOST_SOURCES + 1)), RangeError);
});

test('a probe names 256 members at most, each once, in order', () => {
  const probe = (members: readonly number[], count = members.length): Uint8Array => {
    const out = new Writer(2000).u8(0).u32(1).u48(1).u32(1).u16(count);
    for (const member of members) out.u16(member);
    return out.finish();
  };
  const all = Array.from({ length: 257 }, (_, i) => i + 1);
  assert.equal(readProbe(reader(probe(all.slice(0, MOST_UNHEARD)))).unheard.length, 256);
  for (const bytes of [probe(all), probe([2, 2]), probe([2, 1]), probe([0]), probe([1], 2), probe([1, 2], 1)])
    assert.throws(() => readProbe(reader(bytes)), isFrame);
  assert.deepEqual(readProbe(reader(probe([1, 0xffff]))).unheard, [1, 0xffff]);
});

test('ports for packets: 64 threads, none above 65,535; two bytes that are too few for them are none', () => {
  const hello = { oldest: 1, newest: 1, member: 1, incarnation: 2 ** 48 - 1 };
  for (const handoff of [
    { port: 1, threads: 64 },
    { port: 65_535, threads: 1 },
    { port: 65_472, threads: 64 },
  ])
    assert.deepEqual(readHello(reader(writeHello({ ...hello, handoff }))), { ...hello, handoff });
  for (const handoff of [
    { port: 1, threads: 65 },
    { port: 65_473, threads: 64 },
  ])
    assert.throws(() => readHello(reader(writeHello({ ...hello, handoff }))), isFrame);
  const short = Uint8Array.of(...writeHello(hello), 1, 1);
  assert.deepEqual(readHello(reader(short)), hello);
});

test('headers of packets and halves lie right before what they are of, and say all of it', () => {
  assert.deepEqual([PACKET_HEADER_BYTES, RELAYED_HEADER_BYTES, HALF_HEADER_BYTES], [10, 14, 5]);
  const buffer = new Uint8Array(40).fill(0xee);
  const place = { thread: 0xab, id: 0x0102_0304, serial: 0xf1f2_f3f4 };
  assert.equal(writeRelayedHeader(buffer, 20, place, 0x1234, 0x5678), 6);
  assert.equal(Buffer.from(buffer.subarray(5, 21)).toString('hex'), 'ee0256781234ab01020304f1f2f3f4ee');
  const header = new PacketHeader();
  assert.equal(header.read(buffer, 6, 21), true);
  assert.deepEqual({ ...header }, { to: 0x5678, from: 0x1234, ...place, packetAt: 20 });
  assert.equal(header.read(buffer, 6, 20), false, 'nothing behind it');
  assert.equal(writePacketHeader(buffer, 20, place), 10);
  assert.equal(header.read(buffer, 10, 21), true);
  assert.deepEqual({ ...header }, { to: 0, from: 0, ...place, packetAt: 20 });
  for (const isFirst of [true, false]) {
    writeHalfHeader(buffer, 20, isFirst, 0xf1f2_f3f4);
    assert.equal(Buffer.from(buffer.subarray(15, 20)).toString('hex'), `${isFirst ? '03' : '04'}f1f2f3f4`);
    assert.deepEqual([isHalf(buffer, 15, 21), isHalf(buffer, 15, 20)], [true, false]);
    assert.deepEqual([isFirstHalf(buffer, 15), halfNumber(buffer, 15)], [isFirst, 0xf1f2_f3f4]);
  }
  for (const kind of [0, 1, 2, 5, 255]) assert.equal(isHalf(Uint8Array.of(kind, 0, 0, 0, 0, 0), 0, 6), false);
});

test('numbers are big-endian up to their largest; a frame that ends early, or late, says by how much', () => {
  const out = new Writer(100)
    .u8(0xff)
    .u16(0xfffe)
    .u32(0xffff_fffd)
    .u48(2 ** 48 - 4)
    .bytes(Uint8Array.of(1, 2));
  assert.equal(out.length, 15);
  const bytes = out.finish();
  assert.equal(Buffer.from(bytes).toString('hex'), 'fffffefffffffdfffffffffffc0102');
  const from = new Reader(Uint8Array.of(9, ...bytes, 9), 1, 16);
  assert.deepEqual(
    [from.u8(), from.u16(), from.u32(), from.u48(), from.left],
    [0xff, 0xfffe, 0xffff_fffd, 2 ** 48 - 4, 2],
  );
  assert.throws(() => from.done(), /2 bytes too many/);
  assert.throws(() => from.bytes(5), /ends 3 bytes too early/);
  assert.deepEqual([...from.bytes(2)], [1, 2]);
  from.done();
  assert.throws(() => from.u8(), /ends 1 bytes too early/);
  assert.throws(() => new Writer(3).u32(1), RangeError);
  assert.equal(new Writer(4).u32(1).length, 4);
  const long = Uint8Array.from({ length: 300 }, (_, i) => i);
  assert.deepEqual(new Writer(400).bytes(long.subarray(0, 10)).bytes(long.subarray(10)).finish(), long);
});
