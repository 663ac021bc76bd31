import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { type AuthenticationType, createAuthentication } from './authentication/table.ts';
import { ControlPacket, MANDATORY_BYTES, MOST_BYTES, PacketFault, parsePacket, writePacket } from './packet.ts';
import { STATE_NAMES, State } from './state.ts';
import { nodeHash, seeded } from './testing/hash.ts';
import { addressOf, FAST, MS, Pair } from './testing/pair.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const nameOf = (fault: PacketFault) => Object.entries(PacketFault).find(([, value]) => value === fault)?.[0];

const AT = 3;
/** The packet between bytes that must not matter. */
const embed = (bytes: Uint8Array): Uint8Array => {
  const buffer = new Uint8Array(bytes.length + 2 * AT).fill(0xee);
  buffer.set(bytes, AT);
  return buffer;
};

test('packets', () => {
  for (const { name, bytes, expect } of corpus<object>('packets')) {
    const packet = new ControlPacket();
    const fault = parsePacket(embed(bytes), AT, bytes.length, packet);
    const found =
      fault === PacketFault.none
        ? { fault: nameOf(fault), state: packet.state, length: packet.length }
        : { fault: nameOf(fault) };
    assert.deepEqual(found, expect, name);
  }
});

test('a packet made of the corpus is written as it was read, or refused', () => {
  survive(corpus('packets'), (bytes) => {
    const packet = new ControlPacket();
    const fault = parsePacket(embed(bytes), AT, bytes.length, packet);
    assert.ok(nameOf(fault) !== undefined);
    if (fault !== PacketFault.none) return;
    assert.ok(packet.length <= bytes.length && packet.length >= MANDATORY_BYTES);
    const written = new Uint8Array(MANDATORY_BYTES);
    writePacket(packet, written, 0);
    assert.deepEqual(written, bytes.slice(0, MANDATORY_BYTES));
  });
});

const TYPES: readonly AuthenticationType[] = [
  'simple_password',
  'keyed_md5',
  'meticulous_keyed_md5',
  'keyed_sha1',
  'meticulous_keyed_sha1',
];

test('a section made of the corpus is of one type at most, and its key’s', () => {
  const secret = new TextEncoder().encode('secret');
  survive(corpus('packets'), (bytes) => {
    const buffer = embed(bytes);
    const packet = new ControlPacket();
    if (parsePacket(buffer, AT, bytes.length, packet) !== PacketFault.none || !packet.authenticated) return;
    const takes = (type: AuthenticationType, key: Uint8Array): boolean => {
      const authentication = createAuthentication({ type, keys: [{ id: 7, secret: key }] }, nodeHash, seeded(1));
      return authentication.open(buffer, AT, packet.length, packet.detectMult);
    };
    assert.ok(TYPES.filter((type) => takes(type, secret)).length <= 1);
    assert.ok(!TYPES.some((type) => takes(type, Uint8Array.of(1, 2, 3))));
    assert.deepEqual(buffer, embed(bytes), 'it stays as it came');
  });
});

/** Stands for the discriminator of the session in what a neighbour of the corpus says. */
const OURS = 0xffff_ffff;

/** Has a neighbour say what bytes tell: so many times 10 ms, a length, and the datagram; again and again. */
const converse = (bytes: Uint8Array) => {
  const pair = new Pair(7);
  const session = pair.a.bfd.open(FAST, pair.now);
  pair.passes = () => false;
  pair.run(0);
  let heard = 0;
  const start = pair.now;
  for (let at = 0; at + 2 <= bytes.length; heard++) {
    pair.run((bytes[at] as number) * 10 * MS);
    const said = bytes.slice(at + 2, at + 2 + (bytes[at + 1] as number));
    at += 2 + (bytes[at + 1] as number);
    const view = new DataView(said.buffer);
    if (said.length >= 12 && view.getUint32(8) === OURS) view.setUint32(8, session.discriminator);
    pair.a.take(said, addressOf(2, 50_000), pair.now);
    pair.run(0);
  }
  return { pair, session, heard, passedUs: pair.now - start };
};

test('what neighbours say', () => {
  for (const { name, bytes, expect } of corpus<string>('neighbours')) {
    assert.equal(STATE_NAMES[converse(bytes).session.state], expect, name);
  }
});

test('whatever a neighbour of the corpus says, what it gets is bounded and right, and the session can recover', () => {
  survive(
    corpus('neighbours'),
    (bytes) => {
      const { pair, session, heard, passedUs } = converse(bytes);
      assert.ok(pair.sent.length <= 2 + 2 * heard + passedUs / (37 * MS), `${pair.sent.length} for ${heard}`);
      for (const { packet, bytes: sent } of pair.sent) {
        assert.ok(sent.length <= MOST_BYTES && packet.myDiscriminator === session.discriminator);
        assert.ok(!(packet.poll && packet.final) && !packet.demand && !packet.independent);
      }
      assert.ok(pair.a.bfd.deadline() > pair.now - 1);
      pair.a.bfd.close(session);
      pair.passes = () => true;
      const [again, other] = pair.open();
      pair.run(4000 * MS);
      assert.deepEqual([again.state, other.state], [State.up, State.up]);
    },
    { mutants: 300 },
  );
});
