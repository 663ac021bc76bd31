import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../../errors.ts';
import { hex, unhex } from '../testing/hex.ts';
import { remoteFault, written } from '../testing/parse.ts';
import { PacketHeader, parseHeader } from './header.ts';
import { longHeaderLength, patchLength, writeLongHeader } from './long.ts';
import { type LongPacketType, PacketType } from './packet-type.ts';
import { checkReservedBits } from './reserved-bits.ts';
import { retryPseudoPacket, writeRetry } from './retry.ts';
import { shortHeaderLength, writeShortHeader } from './short.ts';
import { isSupportedVersion, longFirstByte, longPacketType, Version } from './version.ts';
import { parseVersionNegotiation, writeVersionNegotiation } from './version-negotiation.ts';

const NONE = new Uint8Array(0);
const DCID = unhex('8394c8f03e515708');
const SCID = unhex('f067a5502a4262b5');

const long = (
  type: LongPacketType,
  version: number,
  dcid: Uint8Array,
  scid: Uint8Array,
  token: Uint8Array,
  number: number,
  numberBytes: number,
  payload: number,
): Uint8Array =>
  written((buf, at) => {
    const payloadAt = writeLongHeader(buf, at, type, version, dcid, scid, token, number, numberBytes);
    const size = longHeaderLength(type, dcid.length, scid.length, token.length, numberBytes);
    assert.equal(payloadAt - at, size);
    buf.fill(0, payloadAt, payloadAt + payload);
    patchLength(buf, payloadAt, numberBytes, payloadAt + payload);
    return payloadAt + payload;
  });

test('RFC 9001 §A.2 and §A.3, RFC 9369 §A.2: headers of Initial packets', () => {
  const client = long(PacketType.initial, Version.v1, DCID, NONE, NONE, 2, 4, 1162 + 16);
  assert.equal(hex(client, 0, 22), 'c300000001088394c8f03e5157080000449e00000002');
  assert.equal(client.length, 1200);
  const server = long(PacketType.initial, Version.v1, NONE, SCID, NONE, 1, 2, 99 + 16);
  assert.equal(hex(server, 0, 20), 'c1000000010008f067a5502a4262b50040750001');
  const v2 = long(PacketType.initial, Version.v2, DCID, NONE, NONE, 2, 4, 1162 + 16);
  assert.equal(hex(v2, 0, 22), 'd36b3343cf088394c8f03e5157080000449e00000002');
});

test('RFC 9001 §A.5: a short header', () => {
  const header = written((buf, at) => writeShortHeader(buf, at, NONE, false, false, 654360564, 3));
  assert.equal(hex(header), '4200bff4');
});

test('short headers: spin, key phase, connection ID', () => {
  const write = (spin: boolean, phase: boolean): string =>
    hex(written((buf, at) => writeShortHeader(buf, at, DCID, spin, phase, 0x1234, 2)));
  assert.equal(write(false, false), '418394c8f03e5157081234');
  assert.equal(write(true, false), '618394c8f03e5157081234');
  assert.equal(write(false, true), '458394c8f03e5157081234');
  assert.equal(hex(written((buf, at) => writeShortHeader(buf, at, NONE, true, true, 7, 1))), '6407');
  assert.equal(shortHeaderLength(8, 2), 11);
});

test('long headers parse to what was written, in both versions', () => {
  const bytes = (max: number) => fc.uint8Array({ maxLength: max });
  const type = fc.constantFrom<LongPacketType>(PacketType.initial, PacketType.zeroRtt, PacketType.handshake);
  const version = fc.constantFrom(Version.v1, Version.v2);
  fc.assert(
    fc.property(
      ...([type, version, bytes(20), bytes(20), bytes(100), fc.nat(), fc.integer({ min: 1, max: 4 })] as const),
      fc.nat(2000),
      (kind, v, dcid, scid, token, number, numberBytes, payload) => {
        const packet = long(kind, v, dcid, scid, token, number, numberBytes, payload);
        const h = new PacketHeader();
        assert(parseHeader(packet, 0, packet.length, 0, h));
        assert.deepEqual([h.type, h.version, h.end], [kind, v, packet.length]);
        assert.equal(hex(packet, h.dcidStart, h.dcidStart + h.dcidLength), hex(dcid));
        assert.equal(hex(packet, h.scidStart, h.scidStart + h.scidLength), hex(scid));
        const tokenHex = hex(packet, h.tokenStart, h.tokenStart + h.tokenLength);
        assert.equal(tokenHex, kind === PacketType.initial ? hex(token) : '');
        assert.equal(h.packetNumberAt, packet.length - payload - numberBytes);
        assert.equal((packet[0] as number) & 0x0f, numberBytes - 1);
      },
    ),
  );
});

test('a packet too long for its Length field is our own error', () => {
  long(PacketType.handshake, 1, NONE, NONE, NONE, 0, 1, 1000);
  const buf = new Uint8Array(20_000);
  const at = writeLongHeader(buf, 0, PacketType.handshake, 1, NONE, NONE, NONE, 0, 1);
  patchLength(buf, at, 1, at - 1 + 16383);
  assert.throws(
    () => patchLength(buf, at, 1, at - 1 + 16384),
    (error) => error instanceof QuicError && error.fault === 'local',
  );
});

test('the type bits of both versions: RFC 9000 table 5, RFC 9369 §3.2', () => {
  const { initial, zeroRtt, handshake, retry } = PacketType;
  const bits = (version: number, type: PacketType): number => (longFirstByte(version, type) >> 4) & 3;
  assert.deepEqual(
    [0b00, 0b01, 0b10, 0b11],
    [initial, zeroRtt, handshake, retry].map((t) => bits(Version.v1, t)),
  );
  assert.deepEqual(
    [0b01, 0b10, 0b11, 0b00],
    [initial, zeroRtt, handshake, retry].map((t) => bits(Version.v2, t)),
  );
  for (const version of [Version.v1, Version.v2]) {
    for (const type of [initial, zeroRtt, handshake, retry]) {
      assert.equal(longPacketType(version, longFirstByte(version, type)), type);
      assert.equal(longFirstByte(version, type) & 0xcf, 0xc0);
    }
  }
});

test('versions', () => {
  assert(isSupportedVersion(1) && isSupportedVersion(0x6b3343cf));
  assert(!isSupportedVersion(0) && !isSupportedVersion(2) && !isSupportedVersion(0x0a0a0a0a));
});

const retry = (version: number, unused: number): Uint8Array =>
  written((buf, at) => writeRetry(buf, at, version, unused, NONE, SCID, unhex('746f6b656e')));

test('RFC 9001 §A.4, RFC 9369 §A.4: Retry without its tag', () => {
  assert.equal(hex(retry(Version.v1, 0x0f)), 'ff000000010008f067a5502a4262b5746f6b656e');
  assert.equal(hex(retry(Version.v2, 0x0f)), 'cf6b3343cf0008f067a5502a4262b5746f6b656e');
  assert.equal(retry(Version.v1, 0xf0)[0], 0xf0);
});

test('RFC 9001 §5.8: the pseudo-packet has the original connection ID in front', () => {
  const packet = retry(Version.v1, 0x0f);
  const padded = new Uint8Array([0xee, ...packet, ...new Uint8Array(16)]);
  const pseudo = retryPseudoPacket(DCID, padded, 1, 1 + packet.length);
  assert.equal(hex(pseudo), `088394c8f03e515708${hex(packet)}`);
});

test('Version Negotiation', () => {
  const versions = [0x0a1a2a3a, 1, 0x6b3343cf];
  const packet = written((buf, at) => writeVersionNegotiation(buf, at, 0xff, DCID, SCID, versions));
  assert.equal(hex(packet), 'ff00000000088394c8f03e51570808f067a5502a4262b50a1a2a3a000000016b3343cf');
  const h = new PacketHeader();
  assert(parseHeader(packet, 0, packet.length, 0, h));
  assert.deepEqual(parseVersionNegotiation(packet, h), versions);
  for (let cut = h.packetNumberAt; cut < packet.length; cut++) {
    assert(parseHeader(packet, 0, cut, 0, h));
    const whole = (cut - h.packetNumberAt) / 4;
    const expected = whole > 0 && Number.isInteger(whole) ? versions.slice(0, whole) : undefined;
    assert.deepEqual(parseVersionNegotiation(packet, h), expected);
  }
  const zero = written((buf, at) => writeVersionNegotiation(buf, at, 0, NONE, NONE, [1]));
  assert.equal(zero[0], 0xc0);
});

test('Version Negotiation answers connection IDs that are longer than ours may be', () => {
  const cid = new Uint8Array(255).fill(7);
  const packet = written((buf, at) => writeVersionNegotiation(buf, at, 0, cid, cid, [1]));
  const h = new PacketHeader();
  assert(parseHeader(packet, 0, packet.length, 0, h));
  assert.deepEqual([h.dcidLength, h.scidLength], [255, 255]);
});

test('reserved bits', () => {
  for (const first of ['c0', 'c3', 'f3', '40', '67']) checkReservedBits(unhex(`ff${first}`), 1);
  for (const first of ['c4', 'c8', '48', '50']) {
    const error = remoteFault(() => checkReservedBits(unhex(`00${first}`), 1));
    assert.equal(error.code, 0x0a);
  }
});
