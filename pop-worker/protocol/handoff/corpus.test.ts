import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TAG_BYTES } from '#protocol/quic/ports.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { ADDRESS_WORDS } from '../address.ts';
import { Burst, D_LENGTH, D_OFFSET, DESCRIPTOR_WORDS } from '../burst.ts';
import { ANSWERS, handoffCounters, type ReceiveDrop } from './counters.ts';
import { HEADER_BYTES, writeHeader } from './format.ts';
import { joinerBytes } from './joiner.ts';
import { JOIN_BYTES } from './limits.ts';
import { HandoffReceiver } from './receiver.ts';
import { directionSecret } from './secrets.ts';
import { testHandoffCrypto } from './testing/crypto.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const crypto = testHandoffCrypto();
const SECRET = new Uint8Array(32).fill(3);
const PEER = Int32Array.of(4, 0, 1, 0, 0, 0);
const RECEIVE_BYTES = 65_536;
const HEADROOM = 16;
const NOWHERE = new Int32Array(ADDRESS_WORDS);

/** One worker, as its only peer has it. */
const receiving = () => {
  const counters = handoffCounters();
  const buffer = new Uint8Array(RECEIVE_BYTES + joinerBytes(HEADROOM));
  const own = { worker: 2, thread: 0 };
  const receiver = new HandoffReceiver({
    ...{ own, crypto, counters, buffer, joinAt: RECEIVE_BYTES, headroom: HEADROOM, messages: 4 },
    answered: (_, question, answer) => assert.ok(question >= 0 && ANSWERS.includes(answer)),
  });
  receiver.setPeer({ worker: 1, address: PEER, threads: 1, staticKey: undefined });
  receiver.setKey(1, 1, SECRET);
  const burst = new Burst(0, 4, buffer);
  const sealer = crypto.sealer(directionSecret(crypto, SECRET, { worker: 1, thread: 0 }, own));
  let number = 0;
  const take = (packet: Uint8Array): number => {
    burst.clear();
    burst.used = HEADROOM;
    buffer.set(packet, HEADROOM);
    if (packet.length > 0) burst.commit(packet.length, 0, PEER, 0, NOWHERE, 0);
    receiver.open(burst, number);
    const { opened, questioned, asked } = receiver;
    for (const { words, count } of [opened, questioned]) {
      for (let base = 0; base < count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
        const [at, length] = [words[base + D_OFFSET] as number, words[base + D_LENGTH] as number];
        assert.ok(length > 0 && at >= HEADROOM && at + length <= buffer.length);
      }
    }
    assert.equal(asked.length, questioned.count);
    return opened.count + questioned.count;
  };
  /** What somebody sends who has the key. */
  const takeSealed = (body: Uint8Array): number => {
    const packet = new Uint8Array(HEADER_BYTES + body.length + TAG_BYTES);
    writeHeader(packet, 0, 1, 0, 1, 0, number);
    packet.set(body, HEADER_BYTES);
    sealer.seal(packet, Int32Array.of(0, HEADER_BYTES, body.length, 0), Float64Array.of(number++), 1);
    return take(packet);
  };
  return { counters, take, takeSealed };
};

const dropOf = ({ receiveDrops }: ReturnType<typeof handoffCounters>): string =>
  (Object.keys(receiveDrops) as ReceiveDrop[]).find((reason) => receiveDrops[reason] > 0) ?? 'none';

test('packets that nobody sealed', () => {
  for (const { name, bytes, expect } of corpus<string>('packets')) {
    const { take, counters } = receiving();
    assert.equal(take(bytes), 0, name);
    assert.equal(dropOf(counters), expect, name);
  }
});

test('what a peer seals', () => {
  for (const { name, bytes, expect } of corpus<{ given: number; drop: string }>('bodies')) {
    const { takeSealed, counters } = receiving();
    assert.deepEqual({ given: takeSealed(bytes), drop: dropOf(counters) }, expect, name);
  }
});

test('any bytes, sealed or not, are taken or counted', () => {
  const { take, takeSealed, counters } = receiving();
  const all = (): number => Object.values(counters.receiveDrops).reduce((sum, count) => sum + count, 0);
  survive(corpus('packets'), (bytes) => {
    if (bytes.length > 1500) return;
    const before = all() + counters.received.packets;
    take(bytes);
    assert.equal(all() + counters.received.packets - before, bytes.length > 0 ? 1 : 0);
  });
  survive(corpus('bodies'), (bytes) => {
    if (bytes.length > 0 && bytes.length < 9000) takeSealed(bytes);
  });
});

test('any two bodies behind each other are at most two datagrams, no longer than they and a part that waited', () => {
  const { takeSealed, counters } = receiving();
  survive(corpus('bodies'), (bytes) => {
    if (bytes.length < 2 || bytes.length > 9000) return;
    const cut = 1 + ((bytes[0] as number) % (bytes.length - 1));
    const before = counters.received.bytes;
    const given = takeSealed(bytes.subarray(0, cut)) + takeSealed(bytes.subarray(cut));
    assert.ok(given <= 2);
    assert.ok(counters.received.bytes - before <= bytes.length + JOIN_BYTES);
  });
});
