import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../../contract.ts';
import { Drop } from '../drop.ts';
import { BfdErrorCode } from '../errors.ts';
import { MANDATORY_BYTES } from '../packet.ts';
import { State } from '../state.ts';
import { nodeHash } from '../testing/hash.ts';
import { MS, Pair } from '../testing/pair.ts';
import type { Authentication, Key } from './authentication.ts';
import { type AuthenticationOptions, type AuthenticationType, createAuthentication } from './table.ts';

const TYPES: readonly AuthenticationType[] = [
  'simple_password',
  'keyed_md5',
  'meticulous_keyed_md5',
  'keyed_sha1',
  'meticulous_keyed_sha1',
];
const HASHED = TYPES.slice(1);
const isMeticulous = (type: AuthenticationType): boolean => type.startsWith('meticulous');

/** Packets with key 7, "secret", and sequence number 0xfffffffe, computed by Python's hashlib. */
const VECTORS: Readonly<Record<AuthenticationType, string>> = {
  simple_password: '20c40321010203040a0b0c0d0000c3500000c35000000000010907736563726574',
  keyed_md5: '20c40330010203040a0b0c0d0000c3500000c3500000000002180700fffffffe05863063d838aacf635d6c3aa6d50b45',
  meticulous_keyed_md5:
    '20c40330010203040a0b0c0d0000c3500000c3500000000003180700fffffffe3389e311649a38711a375bca591bf60b',
  keyed_sha1:
    '20c40334010203040a0b0c0d0000c3500000c35000000000041c0700fffffffe76f385099bef055e1479cff92a1860ebb81b5e34',
  meticulous_keyed_sha1:
    '20c40334010203040a0b0c0d0000c3500000c35000000000051c0700fffffffe29974c01777a367759e020220126e72503a8eb57',
};

const key = (id: number, text: string): Key => ({ id, secret: new TextEncoder().encode(text) });
const SECRET = key(7, 'secret');
/** The first sequence number that is sent is one more than these bytes. */
const startingAt = (sequence: number): Random => ({
  fill: (bytes) => void new Uint32Array(bytes.buffer, bytes.byteOffset, 1).fill(sequence),
});
const create = (type: AuthenticationType, keys: readonly Key[] = [SECRET], sequence = 0xffff_fffd): Authentication =>
  createAuthentication({ type, keys }, nodeHash, startingAt(sequence));

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
/** Seals the vectors' packet. */
const seal = (authentication: Authentication, changed = true): Uint8Array => {
  const bytes = bytesOf(VECTORS.keyed_sha1).fill(0, MANDATORY_BYTES);
  bytes[3] = MANDATORY_BYTES + authentication.bytes;
  authentication.seal(bytes, 0, changed);
  return bytes.slice(0, MANDATORY_BYTES + authentication.bytes);
};
const open = (authentication: Authentication, bytes: Uint8Array, detectMult = 3): boolean =>
  authentication.open(bytes, 0, bytes.length, detectMult);

for (const type of TYPES) {
  test(`${type}: bytes, sealed and opened (RFC 5880 §6.7)`, () => {
    assert.equal(Buffer.from(seal(create(type))).toString('hex'), VECTORS[type]);
    assert.equal(open(create(type), bytesOf(VECTORS[type])), true);
  });

  test(`${type}: a packet is sealed and opened where it lies, and nothing beside it is touched or looked at`, () => {
    const good = bytesOf(VECTORS[type]);
    const buffer = new Uint8Array(100).fill(0xff);
    buffer.set(good.subarray(0, MANDATORY_BYTES), 11);
    create(type).seal(buffer, 11, true);
    assert.deepEqual(buffer.slice(11, 11 + good.length), good);
    const outside = [...buffer.subarray(0, 11), ...buffer.subarray(11 + good.length)];
    assert.ok(outside.every((byte) => byte === 0xff));
    assert.equal(create(type).open(buffer, 11, good.length, 3), true);
    // What its Length leaves out is not the packet's, though it lies there.
    for (let length = 26; length < good.length; length++) assert.equal(create(type).open(buffer, 11, length, 3), false);
  });

  test(`${type}: no bit may change, nothing be missing, no key be another`, () => {
    const good = bytesOf(VECTORS[type]);
    const covered = type === 'simple_password' ? MANDATORY_BYTES : 0;
    for (let bit = covered * 8; bit < good.length * 8; bit++) {
      const bytes = good.slice();
      (bytes[bit >> 3] as number) ^= 1 << (bit & 7);
      assert.equal(open(create(type), bytes), false, `bit ${bit}`);
    }
    for (let length = 26; length < good.length; length++)
      assert.equal(open(create(type), good.slice(0, length)), false);
    assert.equal(open(create(type, [key(7, 'Secret')]), good), false);
    assert.equal(open(create(type, [key(8, 'secret')]), good), false);
    assert.equal(open(create(type, [key(7, 'secret ')]), good), false, 'of another length');
    for (const other of TYPES) if (other !== type) assert.equal(open(create(other), good), false, other);
  });

  test(`${type}: a new key is known to all before it is used by one`, () => {
    const after = create(type, [key(8, 'newer'), SECRET]);
    assert.equal(open(after, bytesOf(VECTORS[type])), true);
    assert.equal(open(create(type, [SECRET, key(8, 'newer')]), seal(after)), true);
  });

  test(`${type}: keys that cannot be used are refused`, () => {
    const most = { simple_password: 16, keyed_md5: 16, meticulous_keyed_md5: 16 }[type as string] ?? 20;
    create(type, [key(0, 'x'.repeat(most)), key(255, 'y')]);
    const wrong: readonly (readonly Key[])[] = [
      [],
      [key(256, 'x')],
      [key(-1, 'x')],
      [key(0.5, 'x')],
      [key(1, '')],
      [key(1, 'x'.repeat(most + 1))],
      [SECRET, SECRET],
      Array.from({ length: 17 }, (_, id) => key(id, 'x')),
    ];
    for (const keys of wrong) assert.throws(() => create(type, keys), { name: 'BfdError', code: BfdErrorCode.invalid });
  });

  test(`${type}: two sessions come Up by it and stay so`, () => {
    const pair = new Pair();
    const authentication: AuthenticationOptions = { type, keys: [SECRET] };
    const [a, b] = pair.up({ authentication });
    pair.run(5000 * MS);
    // A third of the packets is lost, no two in a row.
    pair.passes = ({ by }) => pair.sentBy(by).length % 3 !== 0;
    pair.run(5000 * MS);
    assert.deepEqual([a.state, b.state, ...pair.a.changes], [State.up, State.up]);
    assert.equal(pair.a.bfd.dropped[Drop.authentication], 0);
    const sequences = pair.sentBy(pair.a).map(({ bytes }) => Buffer.from(bytes).readUInt32BE(MANDATORY_BYTES));
    if (isMeticulous(type))
      assert.equal(
        new Set(pair.sentBy(pair.a).map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size,
        sequences.length,
      );
  });
}

for (const type of HASHED) {
  test(`${type}: sequence numbers go round in a circle, from the last to 3 Detect Mults on (RFC 5880 §6.7.3)`, () => {
    const at = (sequence: number): Uint8Array => seal(create(type, [SECRET], sequence - 1));
    const receiver = create(type);
    assert.equal(open(receiver, at(0xffff_fffe)), true, 'the first is taken as it is');
    assert.equal(open(receiver, at(0xffff_fffe)), !isMeticulous(type), 'the same again');
    assert.equal(open(receiver, at(0xffff_fffd)), false, 'an older one');
    assert.equal(open(receiver, at(0xffff_fffe + 10)), false, 'too far ahead');
    assert.equal(open(receiver, at(0xffff_fffe + 9)), true, 'as far as may be, round the circle');
    assert.equal(open(receiver, at(0xffff_fffe)), false);
    assert.equal(open(receiver, at(20), 5), true, 'the window is the sender’s Detect Mult wide');
    assert.equal(open(receiver, at(1000)), false);
    receiver.forget();
    assert.equal(open(receiver, at(1000)), true, 'after silence');
  });

  test(`${type}: numbers begin at random`, () => {
    const numbers = [0x01020304, 0xf1f2f3f4].map((sequence) => {
      const bytes = new Uint8Array(52);
      create(type, [SECRET], sequence).seal(bytes, 0, true);
      return Buffer.from(bytes).readUInt32BE(28);
    });
    assert.deepEqual(numbers, [0x01020305, 0xf1f2f3f5]);
  });

  test(`${type}: a forgery does not set the sequence number`, () => {
    const receiver = create(type);
    const forged = bytesOf(VECTORS[type]);
    forged.fill(0x55, MANDATORY_BYTES + 4, MANDATORY_BYTES + 8);
    assert.equal(open(receiver, forged), false);
    assert.equal(open(receiver, bytesOf(VECTORS[type])), true);
  });

  test(`${type}: the number grows with each packet, or with what changes (RFC 5880 §6.7.3)`, () => {
    const sender = create(type, [SECRET], 0xffff_fffe);
    const numbers = [true, false, false, true].map((changed) => Buffer.from(seal(sender, changed)).readUInt32BE(28));
    assert.deepEqual(numbers, isMeticulous(type) ? [0xffff_ffff, 0, 1, 2] : [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0]);
  });
}

test('authentication on one side only, or of another kind, is no session (RFC 5880 §6.8.6)', () => {
  const authentication: AuthenticationOptions = { type: 'keyed_sha1', keys: [SECRET] };
  const kinds = [undefined, authentication, { ...authentication, type: 'meticulous_keyed_sha1' } as const];
  for (const mine of kinds) {
    for (const theirs of kinds) {
      if (mine === theirs) continue;
      const pair = new Pair();
      const [a, b] = pair.open({ authentication: mine }, { authentication: theirs });
      pair.run(3000 * MS);
      assert.deepEqual([a.state, b.state], [State.down, State.down]);
      assert.ok((pair.a.bfd.dropped[Drop.authentication] as number) >= 3);
    }
  }
});

test('a peer that restarts is believed after twice the Detection Time (RFC 5880 §6.8.1)', () => {
  const authentication: AuthenticationOptions = { type: 'meticulous_keyed_sha1', keys: [SECRET] };
  const pair = new Pair();
  const [a, b] = pair.up({ authentication });
  pair.b.bfd.close(b);
  pair.run(299 * MS);
  const again = pair.b.bfd.open({ ...b.options }, pair.now);
  pair.run(5000 * MS);
  assert.deepEqual([a.state, again.state], [State.up, State.up]);
  assert.deepEqual(pair.a.changes.slice(0, 1), ['3->1 1']);
});
