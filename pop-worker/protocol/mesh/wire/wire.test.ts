import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MeshError, MeshErrorCode } from '../errors.ts';
import { EPOCH_END, MOST_DATA_BYTES, MOST_KEY_BYTES, type PresenceRecord } from '../presence/record.ts';
import { FrameSplitter, FrameType, frameOf, MOST_FRAME_BYTES } from './frame.ts';
import { commonVersion, readHello, writeHello } from './hello.ts';
import { PacketHeader, writePacketHeader, writeRelayedHeader } from './packet.ts';
import { MOST_PREFIXES, prefixKey, readPrefixes, writePrefixes } from './prefixes.ts';
import {
  MOST_ENTRIES,
  readConfirmation,
  readDigest,
  readHave,
  readUpdates,
  readWant,
  type Update,
  writeConfirmation,
  writeDigest,
  writeHave,
  writeUpdates,
  writeWant,
} from './presence.ts';
import { MOST_UNHEARD, type Probe, readProbe, writeProbe } from './probe.ts';
import { Reader } from './reader.ts';
import { MOST_RELAYED_BYTES, readRelay, writeRelay } from './relay.ts';
import { type DevicePlace, MOST_SOURCES, readDevicePlace, writeDevicePlace } from './sources.ts';
import { MOST_MEMBERS, readVector, writeVector } from './vector.ts';
import { Writer } from './writer.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const reader = (bytes: Uint8Array): Reader => new Reader(bytes, 0, bytes.length);
const isFrameError = (error: unknown): boolean => error instanceof MeshError && error.code === MeshErrorCode.frame;

/** As parsers make objects. */
const plain = { noNullPrototype: true };

const u16 = fc.integer({ min: 1, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u48 = fc.integer({ min: 0, max: EPOCH_END - 1 });
const key = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: MOST_KEY_BYTES })
  .map((codes) => String.fromCharCode(...codes));
const revision = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const record = fc
  .record({ key, epoch: u48, member: u16, gone: fc.boolean(), data: fc.uint8Array({ maxLength: 40 }), revision })
  .map(
    ({ revision: times, ...made }): PresenceRecord => ({
      ...{ ...made, data: made.gone ? new Uint8Array() : made.data },
      ...(times > 0 && !made.gone && { revision: times }),
    }),
  );

/** Each frame by its bytes, as SPEC.md has them. */
test('frames by their bytes', () => {
  assert.equal(hex(writeHello({ oldest: 1, newest: 2, member: 3, incarnation: 4 })), '01020003000000000004');
  const withPorts = writeHello({
    oldest: 1,
    newest: 2,
    member: 3,
    incarnation: 4,
    handoff: { port: 7443, threads: 2 },
  });
  assert.equal(hex(withPorts), '010200030000000000041d1302');
  assert.deepEqual(readHello(reader(withPorts)).handoff, { port: 7443, threads: 2 });
  const answers = { port: 7443, threads: 2, answers: true };
  const ofAnswers = writeHello({ oldest: 1, newest: 2, member: 3, incarnation: 4, handoff: answers });
  assert.equal(hex(ofAnswers), '010200030000000000041d130201');
  assert.deepEqual(readHello(reader(ofAnswers)).handoff, answers);
  assert.deepEqual(
    readHello(reader(Uint8Array.of(...withPorts, 2))).handoff,
    { port: 7443, threads: 2 },
    'other flags',
  );
  for (const [port, threads] of [
    [0, 1],
    [1, 0],
    [1, 65],
    [65_535, 2],
  ] as const) {
    const wrong = writeHello({ oldest: 1, newest: 2, member: 3, incarnation: 4, handoff: { port, threads } });
    assert.throws(() => readHello(reader(wrong)), /ports for packets that cannot be/);
  }
  assert.equal(
    hex(
      writeVector(
        new Map([
          [1, 2],
          [3, 0xffff],
        ]),
      ),
    ),
    '000100020003ffff',
  );
  const one: Update = { record: { key: 'a/b', epoch: 5, member: 6, gone: false, data: Uint8Array.of(7) }, asks: true };
  assert.equal(hex(writeUpdates([one], () => {})), '02000000000005000603612f62000107');
  const changed: Update = { record: { ...one.record, revision: 8 }, asks: false };
  assert.equal(hex(writeUpdates([changed], () => {})), '0400000000000500060000000803612f62000107');
  assert.equal(hex(writeUpdates([changed], () => {}, false)), '00000000000005000603612f62000107', 'to version 2');
  const gone: Update = { record: { ...one.record, gone: true, data: new Uint8Array() }, asks: false };
  assert.equal(hex(writeUpdates([gone], () => {})), '01000000000005000603612f620000');
  assert.equal(hex(writeConfirmation({ key: 'a/b', epoch: 5 })), '00000000000503612f62');
  assert.equal(
    hex(writeDigest({ level: 1, index: 2, children: new Int32Array(32).fill(-1) })),
    `010002${'ff'.repeat(128)}`,
  );
  assert.equal(
    hex(writeHave({ leaf: 1, after: 'a', toEnd: true, entries: [{ key: 'b', epoch: 2, member: 3 }] })),
    '00010101610000000000020003' + '0162',
  );
  const entries = [
    { key: 'b', epoch: 2, member: 3 },
    { key: 'c', epoch: 4, member: 5, revision: 6 },
  ];
  assert.equal(
    hex(writeHave({ leaf: 1, after: 'a', toEnd: false, entries })),
    '0001020161' + '0000000000020003' + '00000000' + '0162' + '0000000000040005' + '00000006' + '0163',
  );
  assert.equal(
    hex(writeHave({ leaf: 1, after: 'a', toEnd: false, entries }, false)),
    '0001000161' + '0000000000020003' + '0162' + '0000000000040005' + '0163',
  );
  assert.equal(hex(writeWant(['a', 'bc'])), '0161026263');
  assert.equal(hex(writeRelay({ from: 1, to: 2, type: FrameType.update, payload: Uint8Array.of(9) })), '000100020309');
  assert.equal(hex(frameOf(FrameType.want, Uint8Array.of(1, 2))), '0700020102');
  const probe = { sequence: 1, sentUs: 2, windowUs: 3, echo: { sentUs: 4, delayUs: 5 }, grants: true, unheard: [6] };
  assert.equal(hex(writeProbe(probe)), '0300000001000000000002000000030000000000040000000500010006');
  assert.equal(
    hex(writeProbe({ ...probe, echo: undefined, grants: false, unheard: [] })),
    '00000000010000000000020000000300' + '00',
  );
});

test('headers of packets by their bytes', () => {
  const buffer = new Uint8Array(20);
  const place = { thread: 1, id: 2, serial: 3 };
  assert.equal(writePacketHeader(buffer, 15, place), 5);
  assert.equal(hex(buffer.subarray(5, 15)), '01010000000200000003');
  assert.equal(writeRelayedHeader(buffer, 15, place, 4, 5), 1);
  assert.equal(hex(buffer.subarray(1, 15)), '0200050004010000000200000003');
  const header = new PacketHeader();
  assert.equal(header.read(buffer, 1, 16), true);
  assert.deepEqual({ ...header }, { to: 5, from: 4, ...place, packetAt: 15 });
  assert.equal(header.read(buffer, 1, 15), false);
  writePacketHeader(buffer, 15, { thread: 255, id: 2 ** 32 - 1, serial: 2 ** 32 - 2 });
  assert.equal(header.read(buffer, 5, 20), true);
  assert.deepEqual({ ...header }, { to: 0, from: 0, thread: 255, id: 2 ** 32 - 1, serial: 2 ** 32 - 2, packetAt: 15 });
  assert.equal(header.read(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 11), false);
});

/** What is written, how it is read, and whether each prefix of it is an error. */
const roundTrip = <T>(value: T, written: Uint8Array, read: (reader: Reader) => T, prefixesFail: boolean): void => {
  assert.deepEqual(read(reader(written)), value);
  for (let end = 0; prefixesFail && end < written.length; end++) {
    assert.throws(() => read(new Reader(written, 0, end)), isFrameError, `${end} of ${written.length} bytes`);
  }
};

test('what is written is read again, and no part of it is', () => {
  const numRuns = 60;
  const probes = fc.record(
    {
      ...{
        sequence: u32,
        sentUs: u48,
        windowUs: u32,
        grants: fc.boolean(),
        yields: fc.boolean(),
        announces: fc.boolean(),
      },
      echo: fc.option(fc.record({ sentUs: u48, delayUs: u32 }, plain), { nil: undefined }),
      unheard: fc.uniqueArray(u16, { maxLength: 20 }).map((all) => all.sort((a, b) => a - b)),
    },
    plain,
  );
  fc.assert(
    fc.property(probes, (made) => {
      const { yields, announces, ...rest } = made;
      const grants = made.grants && made.echo !== undefined;
      const probe: Probe = { ...rest, grants, ...(yields && { yields }), ...(announces && { announces }) };
      roundTrip(probe, writeProbe(probe), readProbe, true);
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(fc.array(fc.record({ record, asks: fc.boolean() }, plain), { maxLength: 5 }), (updates) => {
      roundTrip(
        updates,
        writeUpdates(updates, () => {}),
        readUpdates,
        false,
      );
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(key, u48, (name, epoch) =>
      roundTrip({ key: name, epoch }, writeConfirmation({ key: name, epoch }), readConfirmation, true),
    ),
    { numRuns },
  );
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: MOST_ENTRIES }), u48, u16, revision, (names, epoch, member, times) => {
      const entries = names.sort().map((name, i) => ({
        ...{ key: name, epoch, member },
        ...(times > 0 && i % 2 === 0 && { revision: times }),
      }));
      roundTrip(
        { leaf: 1, after: '', toEnd: false, entries },
        writeHave({ leaf: 1, after: '', toEnd: false, entries }),
        readHave,
        false,
      );
      roundTrip(names, writeWant(names), readWant, false);
    }),
    { numRuns },
  );
  const digest = {
    level: 3,
    index: 16 ** 3 - 1,
    children: Int32Array.from({ length: 32 }, (_, i) => 0x7fff_ff00 * (i % 2 === 0 ? 1 : -1) + i),
  };
  roundTrip(digest, writeDigest(digest), readDigest, true);
  const costs = new Map(Array.from({ length: MOST_MEMBERS }, (_, i) => [i + 1, 0xffff - i] as const));
  roundTrip(costs, writeVector(costs), readVector, false);
  const place: DevicePlace = {
    ...{ thread: 3, id: 2 ** 32 - 1, serial: 7 },
    sources: [
      { address: Uint8Array.of(10, 64, 0, 2), length: 32 },
      { address: Uint8Array.of(10, 64, 0, 0), length: 10 },
      { address: Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? i : 0)), length: 64 },
    ],
  };
  roundTrip(place, writeDevicePlace(place), readDevicePlace, true);
  const translated: DevicePlace = { ...place, outside: { address: 0xcb007140, port: 64_512 } };
  roundTrip(translated, writeDevicePlace(translated), readDevicePlace, true);
  // What is cut off before a rank is a place without one, as earlier releases write it.
  for (const rank of [0, 511])
    assert.deepEqual(readDevicePlace(reader(writeDevicePlace({ ...place, rank }))), { ...place, rank });
  const ranked = writeDevicePlace({ ...place, rank: 5 });
  assert.throws(() => readDevicePlace(reader(ranked.slice(0, -1))), isFrameError);
  assert.throws(() => readDevicePlace(reader(Uint8Array.of(...ranked, 0))), isFrameError);
});

test('an UPDATE holds as many records as can still be relayed', () => {
  const data = new Uint8Array(MOST_DATA_BYTES);
  const all = Array.from(
    { length: 40 },
    (_, i): Update => ({ record: { key: `d${i}`, epoch: 1, member: 1, gone: false, data }, asks: false }),
  );
  let written = 0;
  const payload = writeUpdates(all, () => written++);
  assert.equal(written, readUpdates(reader(payload)).length);
  assert.ok(written >= 5 && written < 40, `${written}`);
  assert.ok(payload.length <= MOST_RELAYED_BYTES);
  const relay = { from: 1, to: 2, type: FrameType.update, payload };
  assert.deepEqual(readRelay(reader(writeRelay(relay))), relay);
});

test('versions: the newest that both speak, or an error that says what to do', () => {
  assert.equal(commonVersion({ oldest: 1, newest: 1 }), 1);
  assert.equal(commonVersion({ oldest: 1, newest: 9 }), 3);
  assert.throws(() => commonVersion({ oldest: 4, newest: 9 }), {
    code: MeshErrorCode.version,
    message: 'the other worker speaks versions 4 to 9 of the mesh, this one 1 to 3: bring both to one release',
  });
  assert.deepEqual(readHello(reader(Uint8Array.of(1, 2, 0, 3, 0, 0, 0, 0, 0, 4, 99))), {
    oldest: 1,
    newest: 2,
    member: 3,
    incarnation: 4,
  });
});

test('prefixes that a member announces: what is written is read again, and more than may be told is not', () => {
  const v6 = new Uint8Array(16);
  v6.set([0x20, 1, 0xd, 0xb8, 0, 0xa]);
  const prefixes = [
    { address: Uint8Array.of(192, 0, 2, 0), length: 24 },
    { address: new Uint8Array(4), length: 0 },
    { address: v6, length: 48 },
    { address: Uint8Array.of(203, 0, 113, 7), length: 32 },
  ];
  assert.equal(hex(writePrefixes(prefixes)), '0418c000020400063020010db8000a0420cb007107');
  assert.deepEqual([...readPrefixes(reader(writePrefixes(prefixes)))], prefixes.map(prefixKey));
  assert.equal(new Set(prefixes.map(prefixKey)).size, prefixes.length);
  const many = Array.from({ length: MOST_PREFIXES + 1 }, (_, i) => ({
    address: Uint8Array.of(10, i >> 8, i & 255, 0),
    length: 24,
  }));
  assert.equal(readPrefixes(reader(writePrefixes(many))).size, MOST_PREFIXES);
  const one = [4, 24, 10, 0, 0];
  const most = Uint8Array.from(Array.from({ length: MOST_PREFIXES }, () => one).flat());
  assert.equal(readPrefixes(reader(most)).size, 1);
  assert.throws(() => readPrefixes(reader(Uint8Array.of(...most, ...one))), isFrameError);
  const written = writePrefixes(prefixes);
  for (let end = 1; end < written.length; end++) {
    if (![5, 7, 15].includes(end))
      assert.throws(() => readPrefixes(reader(written.slice(0, end))), isFrameError, `${end}`);
  }
});

test('prefixes of devices are prefixes', () => {
  const sourceOf = (address: number[], length: number): Uint8Array =>
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, address.length === 4 ? 4 : 6, length, ...address, 0);
  const read = (bytes: Uint8Array) => readDevicePlace(reader(bytes)).sources;
  assert.deepEqual(read(sourceOf([10, 128, 0, 0], 9)), [{ address: Uint8Array.of(10, 128, 0, 0), length: 9 }]);
  assert.deepEqual(read(sourceOf([0, 0, 0, 0], 0)), [{ address: Uint8Array.of(0, 0, 0, 0), length: 0 }]);
  assert.throws(() => read(sourceOf([10, 192, 0, 0], 9)), isFrameError);
  assert.throws(() => read(sourceOf([10, 128, 0, 1], 9)), isFrameError);
  assert.throws(() => read(sourceOf([10, 0, 0, 0], 33)), isFrameError);
  assert.throws(() => read(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0)), isFrameError);
  assert.throws(() => read(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, MOST_SOURCES + 1)), isFrameError);
  assert.throws(() => read(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0)), isFrameError);
  assert.throws(
    () =>
      writeDevicePlace({
        thread: 0,
        id: 0,
        serial: 0,
        sources: new Array(MOST_SOURCES + 1).fill({ address: new Uint8Array(4), length: 0 }),
      }),
    RangeError,
  );
});

test('limits: as much as is allowed is taken, one more is not', () => {
  const many = Array.from({ length: MOST_UNHEARD }, (_, i) => i + 1);
  const probe = { sequence: 1, sentUs: 1, windowUs: 1, echo: undefined, grants: false };
  assert.equal(readProbe(reader(writeProbe({ ...probe, unheard: many }))).unheard.length, MOST_UNHEARD);
  assert.throws(() => readVector(reader(new Uint8Array(4 * MOST_MEMBERS + 4))), isFrameError);
  assert.throws(() => frameOf(FrameType.vector, new Uint8Array(MOST_FRAME_BYTES + 1)), RangeError);
  assert.throws(() => new Writer(2).u32(1), RangeError);
  assert.equal(hex(new Writer(3).u8(1).u16(0x203).finish()), '010203');
  const big = new Uint8Array(300).fill(1);
  assert.deepEqual(new Writer(300).bytes(big).finish(), big);
});

test('a stream is cut into frames wherever its pieces end', () => {
  const frames = [
    frameOf(1, new Uint8Array()),
    frameOf(2, Uint8Array.of(1, 2, 3)),
    frameOf(3, new Uint8Array(MOST_FRAME_BYTES).fill(7)),
  ];
  const whole = Buffer.concat(frames);
  for (const size of [1, 2, 3, 4, 7, 1000, whole.length]) {
    const splitter = new FrameSplitter();
    const seen: [number, number][] = [];
    for (let at = 0; at < whole.length; at += size) {
      splitter.push(whole.subarray(at, at + size), (type, buffer, start, end) => {
        seen.push([type, end - start]);
        assert.ok(type !== 3 || buffer.subarray(start, end).every((byte) => byte === 7));
      });
    }
    assert.deepEqual(
      seen,
      [
        [1, 0],
        [2, 3],
        [3, MOST_FRAME_BYTES],
      ],
      `${size}`,
    );
  }
});
