import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ControlPacket, MANDATORY_BYTES, PacketFault, parsePacket, writePacket } from './packet.ts';
import { State } from './state.ts';

/** Up, Poll, Detect Mult 3, 0x01020304 to 0x0a0b0c0d, 50 ms both ways, no echo. */
const UP = '20e003180102030 40a0b0c0d0000c3500000c35000000000'.replaceAll(' ', '');

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const parse = (bytes: Uint8Array): PacketFault => parsePacket(bytes, 0, bytes.length, new ControlPacket());
const patched = (at: number, value: number): Uint8Array => {
  const bytes = bytesOf(UP);
  bytes[at] = value;
  return bytes;
};

test('a packet by its bytes (RFC 5880 §4.1)', () => {
  const packet = new ControlPacket();
  const bytes = bytesOf(`ff${UP}ff`);
  assert.equal(parsePacket(bytes, 1, bytes.length - 1, packet), PacketFault.none);
  assert.deepEqual(
    { ...packet },
    {
      diagnostic: 0,
      state: State.up,
      poll: true,
      final: false,
      independent: false,
      authenticated: false,
      demand: false,
      detectMult: 3,
      length: 24,
      myDiscriminator: 0x01020304,
      yourDiscriminator: 0x0a0b0c0d,
      desiredMinTxUs: 50_000,
      requiredMinRxUs: 50_000,
      requiredMinEchoRxUs: 0,
    },
  );
  const written = new Uint8Array(30);
  writePacket(packet, written, 3);
  assert.equal(Buffer.from(written.subarray(3, 27)).toString('hex'), UP);
});

test('what is discarded for itself, in the order of RFC 5880 §6.8.6', () => {
  const wrong: readonly (readonly [name: string, bytes: Uint8Array, fault: PacketFault])[] = [
    ['version 0', patched(0, 0x00), PacketFault.version],
    ['version 2', patched(0, 0x40), PacketFault.version],
    ['Length 23', patched(3, 23), PacketFault.length],
    ['Length 25 with the A bit', bytesOf(`20c40319${UP.slice(8)}0000`), PacketFault.length],
    ['Length beyond the payload', patched(3, 25), PacketFault.truncated],
    ['Detect Mult 0', patched(2, 0), PacketFault.detectMult],
    ['M bit', patched(1, 0xc1), PacketFault.multipoint],
    ['My Discriminator 0', bytesOf(`20c0031800000000${UP.slice(16)}`), PacketFault.myDiscriminator],
    // The first rule that is broken says what it is counted as.
    ['all at once', bytesOf('00c100000000000000000000000000000000000000000000'), PacketFault.version],
    ['all but the version', bytesOf('20c100000000000000000000000000000000000000000000'), PacketFault.length],
  ];
  for (const [name, bytes, fault] of wrong) assert.equal(parse(bytes), fault, name);
  assert.equal(parse(bytesOf(`20c4031a${UP.slice(8)}0000`)), PacketFault.none, 'Length 26 with the A bit');
  assert.equal(parse(bytesOf(`${UP}0000`)), PacketFault.none, 'bytes behind the packet');
});

test('a packet that is cut off anywhere is discarded', () => {
  const bytes = bytesOf(UP);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(parsePacket(bytes, 0, length, new ControlPacket()), PacketFault.truncated, `${length} bytes`);
  }
});

test('what is written is read again', () => {
  const word = fc.nat(0xffffffff);
  const packets = fc.record({
    diagnostic: fc.nat(31),
    state: fc.constantFrom(...Object.values(State)),
    poll: fc.boolean(),
    final: fc.boolean(),
    independent: fc.boolean(),
    authenticated: fc.boolean(),
    demand: fc.boolean(),
    detectMult: fc.integer({ min: 1, max: 255 }),
    length: fc.integer({ min: 26, max: 52 }),
    myDiscriminator: fc.integer({ min: 1, max: 0xffffffff }),
    yourDiscriminator: word,
    desiredMinTxUs: word,
    requiredMinRxUs: word,
    requiredMinEchoRxUs: word,
  });
  fc.assert(
    fc.property(packets, (fields) => {
      const bytes = new Uint8Array(64).fill(0xff);
      writePacket(Object.assign(new ControlPacket(), fields), bytes, 0);
      assert.ok(bytes.subarray(MANDATORY_BYTES).every((byte) => byte === 0xff));
      const read = new ControlPacket();
      assert.equal(parsePacket(bytes, 0, fields.length, read), PacketFault.none);
      assert.deepEqual({ ...read }, { ...fields });
    }),
  );
});
