import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checksum, fold, pseudoHeaderSum, readWord, sumWords } from '#protocol/ip/checksum.ts';
import { GsoType, NEEDS_CHECKSUM } from '#protocol/ip/offload.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import { IN_WORDS, Shape } from '#protocol/wireguard/packets.ts';
import {
  J_OUTCOME,
  JOB_WORDS,
  S_CHECKSUM,
  S_FLAGS,
  S_HEADER,
  S_INTO,
  S_KEY,
  S_LENGTH,
  S_SEGMENT,
  S_UPPER,
  SEAL_WORDS,
  SealFlag,
} from '#protocol/wireguard/ports.ts';
import { sealJob } from '#protocol/wireguard/testing/seal-job.ts';
import { enginePorts } from './engine-ports.ts';
import { nodePorts } from './ports.ts';

const SECRET = new Uint8Array(32).fill(5);
const ROOM = 100_000;

interface Large {
  readonly version: 4 | 6;
  readonly isTcp: boolean;
  readonly options: number;
  readonly content: number;
  readonly segment: number;
  readonly flags: number;
}

/** A large packet as a TUN hands it over, with the pseudo-header's sum as its checksum; and its descriptor. */
const largePacket = ({ version, isTcp, options, content, segment, flags }: Large) => {
  const [ip, upper] = [version === 4 ? 20 : 40, isTcp ? 20 + 4 * options : 8];
  const packet = Uint8Array.from({ length: ip + upper + content }, (_, i) => i * 31);
  const view = new DataView(packet.buffer);
  if (version === 4) {
    packet[0] = 0x45;
    view.setUint16(2, packet.length);
    view.setUint16(6, 0x4000);
    packet[9] = isTcp ? Protocol.tcp : Protocol.udp;
    view.setUint16(10, 0);
    view.setUint16(10, checksum(packet, 0, 20));
  } else {
    packet[0] = 0x60;
    view.setUint16(4, packet.length - 40);
    packet[6] = isTcp ? Protocol.tcp : Protocol.udp;
  }
  if (isTcp) {
    packet[ip + 12] = (5 + options) << 4;
    packet[ip + 13] = flags;
  } else view.setUint16(ip + 4, upper + content);
  const [at, bytes] = version === 4 ? [12, 8] : [8, 32];
  const sum = pseudoHeaderSum(packet, at, bytes, isTcp ? Protocol.tcp : Protocol.udp, upper + content);
  view.setUint16(ip + (isTcp ? 16 : 6), fold(sum));
  const type = isTcp ? (version === 4 ? GsoType.tcp4 : GsoType.tcp6) : GsoType.udp;
  const words = Int32Array.of(0, packet.length, NEEDS_CHECKSUM, type, 0, segment, ip, isTcp ? 16 : 6);
  return { packet, words };
};

const LARGE = fc.record<Large>({
  version: fc.constantFrom(4, 6),
  isTcp: fc.boolean(),
  options: fc.nat(10),
  content: fc.integer({ min: 1, max: 60_000 }),
  segment: fc.integer({ min: 500, max: 9000 }),
  flags: fc.nat(255),
});

const jobOf = (key: number, shape: Shape, low = 0, high = 0): Uint32Array => {
  const job = sealJob({ key, receiver: 0xfedcba98, low, high, from: shape.at, length: shape.length });
  job[S_FLAGS] = (shape.needsChecksum ? SealFlag.checksum : 0) | (shape.isTcp ? SealFlag.tcp : 0);
  job[S_UPPER] = shape.upper;
  job[S_CHECKSUM] = shape.checksum;
  job[S_HEADER] = shape.header;
  job[S_SEGMENT] = shape.segment;
  return job;
};

const read = (packet: Uint8Array, words: Int32Array, mtu: number): Shape => {
  const shape = new Shape();
  assert.equal(words.length, IN_WORDS);
  assert.ok(shape.read({ buffer: packet, words, count: 1 }, 0, mtu));
  return shape;
};

test('large packets of every kind: engine and node:crypto make the same bytes of them, as many as are said before', () => {
  fc.assert(
    fc.property(LARGE, fc.constantFrom(1280, 1420, 1500, 9000), fc.nat(2), (large, mtu, ahead) => {
      const { packet, words } = largePacket(large);
      const shape = read(packet, words, mtu);
      const [one, other, byEvp] = [nodePorts().transport, enginePorts().transport, enginePorts(false).transport].map(
        (transport) => {
          const into = new Uint8Array(ROOM);
          const job = jobOf(transport.add(SECRET.slice()), shape, 0xffff_ffff - ahead, 6);
          job[S_INTO] = 3;
          transport.seal(packet.slice(), into, job, 1, mtu);
          return into;
        },
      ) as [Uint8Array, Uint8Array, Uint8Array];
      assert.deepEqual(other, one);
      assert.deepEqual(byEvp, one);
      assert.ok(one.subarray(3 + shape.totalBytes).every((byte) => byte === 0));
      assert.ok(one.subarray(3 + shape.totalBytes - 16, 3 + shape.totalBytes).some((byte) => byte !== 0));
    }),
    { numRuns: 60 },
  );
});

test('what a large packet becomes: each part authentic by itself, with right headers, and all of its bytes in order', () => {
  fc.assert(
    fc.property(LARGE, (large) => {
      const { transport } = enginePorts();
      const { packet, words } = largePacket(large);
      const shape = read(packet, words, 1420);
      const into = new Uint8Array(ROOM);
      const key = transport.add(SECRET);
      transport.seal(packet, into, jobOf(key, shape), 1, 1420);
      const view = new IpView();
      const contents: number[] = [];
      let at = 0;
      for (let i = 0; i < shape.messages; i++) {
        const length = Math.min(shape.messageBytes, shape.totalBytes - at);
        const job = new Uint32Array(JOB_WORDS);
        job.set([key, at, length - 32, i, 0, 0]);
        transport.open(into, job, 1);
        assert.equal(job[J_OUTCOME], 1, `message ${i}`);
        const start = at + 16;
        const end = start + (large.version === 4 ? readWord(into, start + 2) : 40 + readWord(into, start + 4));
        assert.equal(view.parse(into, start, end), IpFault.none);
        const pseudo = pseudoHeaderSum(into, view.sourceAt, 2 * view.addressBytes, view.protocol, end - view.payloadAt);
        assert.equal(fold(pseudo + sumWords(into, view.payloadAt, end)), 0xffff);
        const headers = words[6]! + (large.isTcp ? 20 + 4 * large.options : 8);
        contents.push(...into.subarray(start + headers, end));
        if (large.isTcp)
          assert.equal((into[view.payloadAt + 13]! & 9) !== 0, i === shape.messages - 1 && (large.flags & 9) !== 0);
        at += length;
      }
      assert.equal(at, shape.totalBytes);
      assert.deepEqual(Uint8Array.from(contents), packet.subarray(packet.length - large.content));
    }),
    { numRuns: 40 },
  );
});

test('descriptors that lie are no packets: no such headers, nothing to cut, a checksum outside', () => {
  const { packet, words } = largePacket({
    version: 4,
    isTcp: true,
    options: 0,
    content: 5000,
    segment: 1000,
    flags: 0x10,
  });
  const refuses = (changes: Readonly<Record<number, number>>, change: (bytes: Uint8Array) => void = () => {}): void => {
    const [other, bytes] = [words.slice(), packet.slice()];
    for (const [at, value] of Object.entries(changes)) other[Number(at)] = value;
    change(bytes);
    assert.equal(new Shape().read({ buffer: bytes, words: other, count: 1 }, 0, 1420), false, JSON.stringify(changes));
  };
  refuses({ 5: 0 });
  refuses({ 5: -1 });
  refuses({ 3: 2 });
  refuses({ 2: 0 });
  refuses({ 6: 19 });
  refuses({ 6: 5019 });
  refuses({ 6: -1 });
  refuses({ 7: 5019 });
  refuses({}, (bytes) => bytes.set([0x40], 32));
  refuses({}, (bytes) => bytes.set([0x44], 32));
  refuses({}, (bytes) => bytes.set([0x15], 0));
});

test('headers that would begin behind the packet, by more than words can count, are refused', () => {
  const { transport } = enginePorts();
  const job = new Uint32Array(SEAL_WORDS);
  job[S_KEY] = transport.add(SECRET);
  job.set([300, 0, 0, 0xffff_ffff, 0, 20, 50], S_LENGTH);
  assert.throws(
    () => transport.seal(new Uint8Array(300).fill(0x45), new Uint8Array(4000), job, 1, 0),
    /no such headers/,
  );
});

test('the engine trusts no job: whatever its words, it writes where it may or throws RangeError', () => {
  const { transport } = enginePorts();
  const key = transport.add(SECRET);
  const [from, into] = [new Uint8Array(300).fill(0x45), new Uint8Array(400)];
  const word = fc.oneof(fc.nat(400), fc.constantFrom(0xffff_ffff, 0x8000_0000, 2 ** 31 - 1));
  fc.assert(
    fc.property(fc.array(word, { minLength: SEAL_WORDS, maxLength: SEAL_WORDS }), fc.nat(2000), (words, mtu) => {
      const job = Uint32Array.from(words);
      if (mtu % 3 > 0) job[S_KEY] = key;
      try {
        transport.seal(from, into, job, 1, mtu);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
      try {
        transport.open(into, job.slice(0, JOB_WORDS), 1);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
    { numRuns: 3000 },
  );
});
