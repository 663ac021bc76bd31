import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ADDRESS_WORDS } from '../address.ts';
import { Burst, D_ECN, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../burst.ts';
import { handoffCounters } from './counters.ts';
import { joinerBytes } from './joiner.ts';
import { JOIN_US, REPLAY_PACKETS } from './limits.ts';
import { HandoffReceiver, type ReceiverOptions } from './receiver.ts';
import { staticSecret } from './secrets.ts';
import { HandoffSender, type SenderOptions } from './sender.ts';
import { testHandoffCrypto } from './testing/crypto.ts';

const HEADROOM = 64;
const MESSAGES = 4;
const RECEIVE_BYTES = HEADROOM + MESSAGES * 65_536;
const SECRET = new Uint8Array(32).fill(5);
const crypto = testHandoffCrypto();

const address = (family: 4 | 6, last: number, port: number): Int32Array => {
  const words = new Int32Array(ADDRESS_WORDS);
  words[0] = family | (port << 16);
  for (let i = 2; i < (family === 6 ? 6 : 3); i++) words[i] = 0x0102_0304 * i + (last << 24);
  return words;
};
const MESH = { 1: address(4, 1, 7000), 2: address(4, 2, 7000) };

/** Worker 1 hands over to worker 2, thread 0 to its thread 1. */
const pair = (
  more: {
    sender?: Partial<SenderOptions>;
    receiver?: Partial<ReceiverOptions>;
    mtu?: number;
    staticKey?: Uint8Array;
  } = {},
) => {
  const sent = handoffCounters();
  const received = handoffCounters();
  const buffer = new Uint8Array(RECEIVE_BYTES + joinerBytes(HEADROOM));
  const sender = new HandoffSender({
    ...{ own: { worker: 1, thread: 0 }, crypto, counters: sent, seed: 1 },
    ...{ peerBytesPerSecond: 1e9, sourceBytesPerSecond: 1e9 },
    ...more.sender,
  });
  const receiver = new HandoffReceiver({
    ...{ own: { worker: 2, thread: 1 }, crypto, counters: received, buffer, joinAt: RECEIVE_BYTES },
    ...{ headroom: HEADROOM, messages: MESSAGES, answered: () => {} },
    ...more.receiver,
  });
  sender.setPeer({ worker: 2, address: MESH[2], threads: 2, mtu: more.mtu ?? 1500 });
  receiver.setPeer({ worker: 1, address: MESH[1], threads: 1, staticKey: more.staticKey });
  return { sender, receiver, sent, received, out: new Burst(1 << 18, 256), arrived: new Burst(0, 256, buffer) };
};
type Pair = ReturnType<typeof pair>;

interface Datagram {
  readonly bytes: Uint8Array;
  readonly ecn: number;
  readonly remote: Int32Array;
  readonly local: Int32Array;
}
const datagram = (length: number, more: Partial<Datagram> = {}): Datagram => ({
  bytes: Uint8Array.from({ length }, (_, i) => i * 7 + length),
  ...{ ecn: 0, remote: address(4, 9, 4433), local: address(4, 8, 443) },
  ...more,
});

const put = ({ sender, out }: Pair, { bytes, ecn, remote, local }: Datagram, now = 0) => {
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words[D_ECN] = ecn | (77 << 2);
  words.set(remote, D_REMOTE);
  words.set(local, D_LOCAL);
  return sender.put(2, 1, bytes, 0, bytes.length, words, 0, now, out);
};

/** The packets of `out`, sealed. */
const packets = ({ sender, out }: Pair): { bytes: Uint8Array; ecn: number }[] => {
  sender.seal(out);
  const all: { bytes: Uint8Array; ecn: number }[] = [];
  for (let base = 0; base < out.count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
    const start = out.words[base + D_OFFSET] as number;
    const end = start + (out.words[base + D_LENGTH] as number);
    const segment = out.words[base + D_SEGMENT] as number;
    for (let at = start; at < end; at += segment) {
      all.push({ bytes: out.buffer.slice(at, Math.min(at + segment, end)), ecn: out.words[base + D_ECN] as number });
    }
  }
  out.clear();
  return all;
};

/** Lets packets arrive, in one run where they are of one size. @returns what was handed over */
const arrive = (
  { receiver, arrived }: Pair,
  all: readonly { bytes: Uint8Array; ecn: number }[],
  from = MESH[1],
  now = 0,
) => {
  arrived.clear();
  arrived.used = HEADROOM;
  for (const { bytes, ecn } of all) {
    arrived.buffer.set(bytes, arrived.used);
    arrived.commit(bytes.length, ecn, from, 0, MESH[2], 0);
  }
  receiver.open(arrived, now);
  const { words, buffer, count } = receiver.opened;
  return Array.from({ length: count }, (_, i): Datagram => {
    const base = i * DESCRIPTOR_WORDS;
    const start = words[base + D_OFFSET] as number;
    assert.ok(start >= HEADROOM, 'room in front');
    assert.equal(words[base + D_SEGMENT], words[base + D_LENGTH]);
    return {
      bytes: buffer.slice(start, start + (words[base + D_LENGTH] as number)),
      ecn: words[base + D_ECN] as number,
      remote: words.slice(base + D_REMOTE, base + D_REMOTE + ADDRESS_WORDS),
      local: words.slice(base + D_LOCAL, base + D_LOCAL + ADDRESS_WORDS),
    };
  });
};

const keyed = (...more: Parameters<typeof pair>): Pair => {
  const made = pair(...more);
  made.sender.setKey(2, 1, SECRET);
  made.receiver.setKey(1, 1, SECRET);
  return made;
};

const datagrams = fc
  .record({
    length: fc.integer({ min: 1, max: 1500 }),
    ecn: fc.integer({ min: 0, max: 3 }),
    family: fc.constantFrom(4 as const, 6 as const),
    last: fc.integer({ min: 0, max: 100 }),
    port: fc.integer({ min: 0, max: 65_535 }),
  })
  .map(({ length, ecn, family, last, port }) =>
    datagram(length, { ecn, remote: address(family, last, port), local: address(family, last + 1, 443) }),
  );

test('what is handed over arrives as it came: bytes, addresses and ECN, whole or in two packets that fit the way', () => {
  fc.assert(
    fc.property(fc.array(datagrams, { minLength: 1, maxLength: 40 }), (all) => {
      const made = keyed();
      for (const one of all) assert.equal(put(made, one), undefined);
      const sealed = packets(made);
      for (const { bytes } of sealed) assert.ok(28 + bytes.length <= 1500, `${bytes.length}`);
      assert.deepEqual(arrive(made, sealed), all);
      assert.equal(made.sent.sent.datagrams, all.length);
      assert.equal(made.received.received.datagrams, all.length);
      assert.equal(made.received.received.packets, sealed.length);
      assert.equal(made.sent.sent.bytes, made.received.received.bytes);
      assert.deepEqual(made.received.receiveDrops, handoffCounters().receiveDrops);
    }),
    { numRuns: 100 },
  );
});

test('a datagram of 1452 bytes is two packets of one size on a way of 1500 bytes, over either family', () => {
  for (const family of [4, 6] as const) {
    const made = keyed();
    put(made, datagram(1452, { remote: address(family, 1, 1), local: address(family, 2, 443) }));
    const [a, b, none] = packets(made);
    assert.equal(a?.bytes.length, b?.bytes.length);
    assert.equal(none, undefined);
  }
});

test('parts are joined in either order, each once, until their time is over', () => {
  const made = keyed();
  const all = [datagram(1452), datagram(1451), datagram(1480)];
  for (const one of all) put(made, one);
  const sealed = packets(made);
  assert.deepEqual(arrive(made, sealed.toReversed()), all.toReversed());
  assert.deepEqual(arrive(made, sealed), [], 'replayed');
  assert.equal(made.received.receiveDrops.replayed, 6);
  put(made, datagram(1452));
  const [first, second] = packets(made) as [{ bytes: Uint8Array; ecn: number }, { bytes: Uint8Array; ecn: number }];
  assert.deepEqual(arrive(made, [first], MESH[1], 0), []);
  assert.deepEqual(arrive(made, [second], MESH[1], JOIN_US), []);
  assert.ok(made.received.receiveDrops.unjoined > 0);
});

test('parts of different datagrams are never one', () => {
  const made = keyed();
  for (let i = 0; i < 3; i++) put(made, datagram(1452));
  const sealed = packets(made);
  assert.deepEqual(
    arrive(
      made,
      [0, 3, 4].map((i) => sealed[i] as (typeof sealed)[number]),
    ),
    [],
  );
});

test('a packet comes in once, and the window slides', () => {
  const made = keyed();
  const all: { bytes: Uint8Array; ecn: number }[] = [];
  for (let i = 0; i < REPLAY_PACKETS + 2; i++) {
    put(made, datagram(20));
    all.push(...packets(made));
  }
  const [first, second, third] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]];
  assert.equal(arrive(made, [third]).length, 1);
  assert.equal(arrive(made, [all.at(-1) as typeof first]).length, 1);
  assert.equal(arrive(made, [third]).length, 0, 'seen');
  assert.equal(arrive(made, [second]).length, 0, 'too old');
  assert.equal(arrive(made, [first]).length, 0);
  assert.equal(made.received.receiveDrops.replayed, 3);
  assert.equal(arrive(made, [all[3] as typeof first]).length, 1, 'late, and within');
});

test('RFC 6040 §4.2: congestion on the way is told, and by loss where it must be', () => {
  const cases = [
    [0, 0, 0],
    [1, 0, 1],
    [2, 0, 2],
    [3, 0, 3],
    [2, 3, 3],
    [1, 3, 3],
    [2, 1, 1],
    [0, 1, 0],
    [0, 2, 0],
    [3, 1, 3],
    [0, 3, undefined],
  ] as const;
  for (const length of [100, 1452]) {
    for (const [inner, outer, after] of cases) {
      const made = keyed();
      put(made, datagram(length, { ecn: inner }));
      const sealed = packets(made);
      for (const { ecn } of sealed) assert.equal(ecn, inner, 'copied to the outside');
      // Either packet of two tells.
      const last = sealed.length - 1;
      const met = sealed.map((one, i) => ({ ...one, ecn: i === (inner % 2 === 0 ? 0 : last) ? outer : 0 }));
      assert.equal(arrive(made, met)[0]?.ecn, after, `${inner} ${outer} ${length}`);
      assert.equal(made.received.receiveDrops.congested, after === undefined ? 1 : 0);
    }
  }
});

test('keys: two at a time, the newest one that the sender has', () => {
  const made = keyed();
  const sealedBy = (id: number): { bytes: Uint8Array; ecn: number }[] => {
    made.sender.setKey(
      2,
      id,
      SECRET.map((x) => x + id),
    );
    put(made, datagram(100));
    return packets(made);
  };
  const set = (id: number) =>
    made.receiver.setKey(
      1,
      id,
      SECRET.map((x) => x + id),
    );
  const [a, b, c] = [10, 11, 12].map(sealedBy) as [ReturnType<typeof sealedBy>, ...ReturnType<typeof sealedBy>[]];
  set(10);
  assert.equal(arrive(made, a).length, 1);
  assert.equal(arrive(made, b as typeof a).length, 0);
  assert.equal(made.received.receiveDrops.unknown_key, 1);
  set(11);
  assert.equal(arrive(made, b as typeof a).length, 1);
  set(12);
  assert.equal(arrive(made, c as typeof a).length, 1);
  assert.equal(arrive(made, a).length, 0, 'the key before the last one is gone');
  assert.equal(made.received.receiveDrops.unknown_key, 2);
});

test('of a configured key each process of the sender has its own, newer ones only, tried ten times a second', () => {
  const made = pair({ staticKey: SECRET });
  const by = (epoch: number) => {
    made.sender.setKey(2, epoch, staticSecret(crypto, SECRET, epoch));
    put(made, datagram(100));
    return packets(made);
  };
  const [old, young] = [by(1000), by(1001)];
  assert.equal(arrive(made, old).length, 1);
  assert.equal(arrive(made, young).length, 1);
  assert.equal(arrive(made, by(1000)).length, 0, 'the numbers of the one before count on');
  assert.equal(arrive(made, by(999)).length, 0);
  assert.equal(made.received.receiveDrops.unknown_key, 1);
  // Somebody who has no key makes us try.
  const forged = by(1 << 30).map(({ bytes, ecn }) => ({ bytes: bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1), ecn }));
  for (let i = 0; i < 20; i++) assert.equal(arrive(made, forged, MESH[1], 0).length, 0);
  assert.ok(made.received.receiveDrops.forged <= 10, `${made.received.receiveDrops.forged}`);
  assert.equal(arrive(made, by(2000), MESH[1], 1_000_000).length, 1, 'a second later there are trials again');
});

test('keys are updated on the way, again and again, and what was late is opened by the ones before', () => {
  const made = keyed({ sender: { updateAfter: 10 } });
  let late: { bytes: Uint8Array; ecn: number }[] = [];
  for (let i = 0; i < 95; i++) {
    put(made, datagram(30 + i));
    const [one] = packets(made) as [{ bytes: Uint8Array; ecn: number }];
    if (i % 10 === 9) late = [one];
    else assert.deepEqual(arrive(made, [one]), [datagram(30 + i)]);
    if (i % 10 === 1 && late.length > 0) assert.deepEqual(arrive(made, late), [datagram(30 + i - 2)]);
  }
  assert.equal(made.sent.keyUpdates, 9);
  assert.equal(made.received.keyUpdates, 9);
  assert.equal(made.received.receiveDrops.forged, 0);
});

test('a peer that is gone, or was set anew, has no keys; there are places for 1024', () => {
  const made = keyed();
  put(made, datagram(100));
  const sealed = packets(made);
  made.receiver.removePeer(1);
  assert.equal(arrive(made, sealed).length, 0);
  assert.equal(made.received.receiveDrops.unknown_peer, 1);
  made.receiver.setPeer({ worker: 1, address: MESH[1], threads: 1, staticKey: undefined });
  assert.equal(arrive(made, sealed).length, 0);
  assert.equal(made.received.receiveDrops.unknown_key, 1);
  made.sender.removePeer(2);
  assert.equal(put(made, datagram(100)), 'no_peer');
  made.receiver.close();
  made.sender.close();
  for (let worker = 0; worker < 1024; worker++) {
    made.sender.setPeer({ worker, address: MESH[2], threads: 1, mtu: 1500 });
    made.receiver.setPeer({ worker, address: MESH[1], threads: 1, staticKey: undefined });
  }
  made.sender.setPeer({ worker: 7, address: MESH[2], threads: 2, mtu: 1500 });
  assert.throws(() => made.sender.setPeer({ worker: 5000, address: MESH[2], threads: 1, mtu: 1500 }), /1024 peers/);
  assert.throws(
    () => made.receiver.setPeer({ worker: 5000, address: MESH[1], threads: 1, staticKey: undefined }),
    /1024 peers/,
  );
});

test('what goes nowhere is counted by its reason', () => {
  const { sender: bare, out } = pair();
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words.set(address(4, 1, 1), D_REMOTE);
  words.set(address(4, 2, 2), D_LOCAL);
  assert.equal(bare.put(2, 0, new Uint8Array(100), 0, 100, words, 0, 0, out), 'no_key');
  assert.equal(bare.put(3, 0, new Uint8Array(100), 0, 100, words, 0, 0, out), 'no_peer');
  const made = keyed({ mtu: 1000 });
  assert.equal(put(made, datagram(1872)), undefined);
  assert.equal(put(made, datagram(1873)), 'too_large');
  assert.equal(put(made, datagram(100, { local: address(6, 1, 1) })), 'mixed_family');
  assert.deepEqual(made.sent.sendDrops, { ...handoffCounters().sendDrops, too_large: 1, mixed_family: 1 });
});

test('each source has its budget, each peer its rate, and both come back', () => {
  const made = keyed({ sender: { sourceBytesPerSecond: 100_000 } });
  const from = (last: number, now = 0) => {
    const result = put(made, datagram(1000, { remote: address(4, last, last) }), now);
    packets(made);
    return result;
  };
  for (let i = 0; i < 65; i++) assert.equal(from(1), undefined);
  assert.equal(from(1), 'source_budget');
  assert.equal(put(made, datagram(1000, { remote: address(4, 1, 999) })), 'source_budget', 'from another port');
  assert.equal(from(2), undefined, 'another source');
  assert.equal(from(1, 20_000), undefined, 'a fiftieth of a second later');
  const slow = keyed({ sender: { peerBytesPerSecond: 1 } });
  for (let i = 0; i < 65; i++) put(slow, datagram(1000, { remote: address(4, i, i) }));
  packets(slow);
  assert.equal(put(slow, datagram(1000)), 'rate_cap');
});

test('hostile bytes from a peer’s address come to nothing and change nothing', () => {
  const made = keyed();
  put(made, datagram(1452));
  put(made, datagram(200, { ecn: 2 }));
  const genuine = packets(made);
  const mutated = fc
    .record({ which: fc.nat(2), cut: fc.nat(800), at: fc.nat(800), flip: fc.integer({ min: 1, max: 255 }) })
    .map(({ which, cut, at, flip }) => {
      const { bytes, ecn } = genuine[which] as (typeof genuine)[number];
      const shorter = bytes.slice(0, Math.max(0, bytes.length - cut));
      const i = at % Math.max(1, shorter.length);
      if (shorter.length > 0) shorter[i] = (shorter[i] as number) ^ flip;
      return { bytes: shorter, ecn };
    });
  const noise = fc.uint8Array({ minLength: 1, maxLength: 1500 }).map((bytes) => ({ bytes, ecn: 0 }));
  fc.assert(
    fc.property(fc.array(fc.oneof(mutated, noise), { maxLength: 10 }), (all) => {
      assert.deepEqual(
        arrive(
          made,
          all.filter(({ bytes }) => bytes.length > 0),
        ),
        [],
      );
    }),
    { numRuns: 500 },
  );
  assert.equal(arrive(made, genuine, address(4, 77, 7000)).length, 0, 'from somewhere else');
  assert.ok(made.received.receiveDrops.unknown_peer >= 3);
  assert.equal(arrive(made, genuine).length, 2, 'the genuine ones still come');
});

test('two threads of a worker, and its two directions, have different keys', () => {
  const made = keyed();
  put(made, datagram(100));
  const sealed = packets(made);
  const other = pair({ receiver: { own: { worker: 2, thread: 0 } } });
  other.receiver.setKey(1, 1, SECRET);
  assert.equal(arrive(other, sealed).length, 0);
  assert.equal(other.received.receiveDrops.forged, 1);
});
