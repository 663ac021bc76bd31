import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDRESS_WORDS } from '../address.ts';
import { Burst, D_ECN, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../burst.ts';
import { ANSWERS, type Answer, handoffCounters } from './counters.ts';
import { joinerBytes } from './joiner.ts';
import { ANSWERS_PER_SECOND } from './limits.ts';
import { HandoffReceiver } from './receiver.ts';
import { HandoffSender } from './sender.ts';
import { testHandoffCrypto } from './testing/crypto.ts';

const SECRET = new Uint8Array(32).fill(5);
const HEADROOM = 64;
const MESSAGE_BYTES = 65_536;

const address = (family: 4 | 6, last: number): Int32Array => {
  const words = new Int32Array(ADDRESS_WORDS);
  words[0] = family | (7000 << 16);
  words[2] = 0x0a00_0000 | last;
  return words;
};

/** A worker of two threads, the second of which sends and receives here. */
const worker = (number: number) => {
  const other = 3 - number;
  const counters = handoffCounters();
  const answers: [worker: number, question: number, answer: Answer][] = [];
  const buffer = new Uint8Array(HEADROOM + 4 * MESSAGE_BYTES + joinerBytes(HEADROOM));
  const own = { worker: number, thread: 1 };
  const common = { own, crypto: testHandoffCrypto(), counters };
  const sender = new HandoffSender({ ...common, seed: 1, peerBytesPerSecond: 1e9, sourceBytesPerSecond: 1e9 });
  const receiver = new HandoffReceiver({
    ...{ ...common, buffer, joinAt: HEADROOM + 4 * MESSAGE_BYTES, headroom: HEADROOM, messages: 4 },
    answered: (...answer) => void answers.push(answer),
  });
  sender.setPeer({ worker: other, address: address(4, other), threads: 2, mtu: 1500 });
  receiver.setPeer({ worker: other, address: address(4, other), threads: 2, staticKey: undefined });
  for (const end of [sender, receiver]) end.setKey(other, 1, SECRET);
  const [out, arrived] = [new Burst(1 << 18, 256), new Burst(0, 256, buffer)];
  /** Hands a datagram over to the other's second thread. */
  const put = (bytes: number, question: number, family: 4 | 6 = 4, now = 0) => {
    const words = new Int32Array(DESCRIPTOR_WORDS);
    words.set(address(family, 9), D_REMOTE);
    words.set(address(family, 8), D_LOCAL);
    return sender.put(other, 1, new Uint8Array(bytes).fill(bytes), 0, bytes, words, 0, now, out, question);
  };
  const packets = (): Uint8Array[] => {
    sender.seal(out);
    const all: Uint8Array[] = [];
    for (let base = 0; base < out.count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
      const start = out.words[base + D_OFFSET] as number;
      const [end, segment] = [start + (out.words[base + D_LENGTH] as number), out.words[base + D_SEGMENT] as number];
      for (let at = start; at < end; at += segment) all.push(out.buffer.slice(at, Math.min(at + segment, end)));
    }
    out.clear();
    return all;
  };
  const take = (all: readonly Uint8Array[], now = 0): void => {
    arrived.clear();
    arrived.used = HEADROOM;
    for (const bytes of all) {
      buffer.set(bytes, arrived.used);
      arrived.commit(bytes.length, 0, address(4, other), 0, address(4, number), 0);
    }
    receiver.open(arrived, now);
  };
  const lengths = ({ words, count }: Burst): number[] =>
    Array.from({ length: count }, (_, i) => words[i * DESCRIPTOR_WORDS + D_LENGTH] as number);
  return { sender, receiver, counters, answers, out, put, packets, take, lengths };
};

test('a datagram that its worker asks about comes as it was, apart from the others, with who asks and by which number', () => {
  for (const family of [4, 6] as const) {
    const [one, two] = [worker(1), worker(2)];
    one.put(100, 0, family);
    one.put(101, 0xfedc_ba98, family);
    // In two packets: 1,452 bytes do not fit one.
    one.put(1452, 7, family);
    one.put(102, 0, family);
    const sent = one.packets();
    assert.ok(sent.every(({ length }) => length + 28 <= 1500));
    two.take(sent);
    const { receiver } = two;
    assert.deepEqual(two.lengths(receiver.opened), [100, 102]);
    assert.deepEqual(two.lengths(receiver.questioned), [101, 1452]);
    const asks = (question: number) => ({ worker: 1, thread: 1, question });
    assert.deepEqual(receiver.asked, [asks(0xfedc_ba98), asks(7)]);
    const { words } = receiver.questioned;
    assert.deepEqual(words.slice(D_REMOTE, D_REMOTE + ADDRESS_WORDS), address(family, 9));
    assert.equal(words[D_ECN], 0);
    const at = words[D_OFFSET] as number;
    assert.ok(receiver.questioned.buffer.subarray(at, at + 101).every((byte) => byte === 101));
    assert.equal(two.counters.received.datagrams, 4);
    two.take([]);
    assert.deepEqual([receiver.questioned.count, receiver.asked], [0, []]);
  }
});

test('the largest datagram of one packet is four bytes shorter with a question, and no packet ever longer than the way', () => {
  const one = worker(1);
  for (let bytes = 1380; bytes < 1460; bytes++) {
    const counts = [0, 1].map((question) => {
      one.put(bytes, question);
      const sent = one.packets();
      assert.ok(sent.every(({ length }) => length + 28 <= 1500));
      return sent.length;
    });
    const most = 1500 - 28 - 42;
    assert.deepEqual(counts, [bytes <= most ? 1 : 2, bytes <= most - 4 ? 1 : 2], `${bytes}`);
  }
});

test('each answer comes to whoever asked, and is short', () => {
  const [one, two] = [worker(1), worker(2)];
  for (const [i, answer] of ANSWERS.entries())
    assert.equal(two.sender.answer(1, 1, 0xffff_fff0 + i, answer, 0, two.out), true);
  const sent = two.packets();
  assert.deepEqual(
    sent.map(({ length }) => length),
    [35, 35, 35],
  );
  one.take(sent);
  assert.deepEqual(
    one.answers,
    ANSWERS.map((answer, i) => [2, 0xffff_fff0 + i, answer]),
  );
  assert.deepEqual([one.receiver.opened.count, one.counters.received.datagrams], [0, 0]);
  assert.deepEqual(two.counters.answered, { authentic: 1, forged: 1, absent: 1, refused: 0 });
  one.take(sent);
  assert.deepEqual([one.answers.length, one.counters.receiveDrops.replayed], [3, 3]);
});

test('answers have a budget of their own, each worker by itself, and none goes where there is no key', () => {
  const two = worker(2);
  const answers = (now: number, most: number): number => {
    let count = 0;
    for (let i = 0; i < most; i++) {
      if (!two.sender.hasRoom(1, 1, 0, two.out)) two.packets();
      if (two.sender.answer(1, 1, 1, 'forged', now, two.out)) count++;
    }
    two.packets();
    return count;
  };
  assert.equal(answers(0, 5000), ANSWERS_PER_SECOND);
  assert.equal(two.counters.answered.refused, 5000 - ANSWERS_PER_SECOND);
  let count = 0;
  for (let ms = 10; ms <= 1000; ms += 10) count += answers(ms * 1000, 100);
  assert.equal(count, ANSWERS_PER_SECOND);
  assert.equal(two.put(1000, 0, 4, 1e6), undefined, 'datagrams go all the same');
  two.sender.setPeer({ worker: 5, address: address(4, 5), threads: 1, mtu: 1500 });
  assert.deepEqual(
    [two.sender.reaches(1, 1), two.sender.reaches(5, 0), two.sender.reaches(6, 0)],
    [true, false, false],
  );
  for (const other of [5, 6]) assert.equal(two.sender.answer(other, 0, 1, 'authentic', 2e6, two.out), false);
  two.sender.setKey(5, 1, SECRET);
  assert.equal(two.sender.answer(5, 0, 1, 'authentic', 2e6, two.out), true);
});

test('a worker was heard when something authentic came from it, and not by a copy, nor by what anybody sends from its address', () => {
  const [one, two] = [worker(1), worker(2)];
  assert.equal(two.receiver.heardAt(1), Number.NEGATIVE_INFINITY);
  one.put(100, 0);
  const sent = one.packets();
  two.take(
    sent.map((bytes) => bytes.with(-1, (bytes.at(-1) as number) ^ 1)),
    10,
  );
  assert.equal(two.receiver.heardAt(1), Number.NEGATIVE_INFINITY);
  two.take(sent, 20);
  two.take(sent, 30);
  assert.equal(two.receiver.heardAt(1), 20);
  two.receiver.setPeer({ worker: 1, address: address(4, 1), threads: 1, staticKey: undefined });
  assert.equal(two.receiver.heardAt(1), 20, 'also where it is elsewhere by now');
  assert.equal(two.receiver.heardAt(9), Number.NEGATIVE_INFINITY);
});
