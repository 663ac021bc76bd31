import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TAG_BYTES } from '#protocol/quic/ports.ts';
import { ADDRESS_WORDS, addressPort } from '../address.ts';
import { Burst, D_ECN, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, DESCRIPTOR_WORDS, waitedUs } from '../burst.ts';
import { handoffCounters } from './counters.ts';
import { addressedBytes, HEADER_BYTES } from './format.ts';
import { joinerBytes } from './joiner.ts';
import { JOIN_BYTES } from './limits.ts';
import type { HandoffCrypto } from './ports.ts';
import { HandoffReceiver } from './receiver.ts';
import { directionSecret, staticSecret } from './secrets.ts';
import { HandoffSender } from './sender.ts';
import { testHandoffCrypto } from './testing/crypto.ts';

const SECRET = new Uint8Array(32).fill(5);
const HEADROOM = 64;
const RECEIVE_BYTES = HEADROOM + 4 * 65_536;

const address = (family: 4 | 6, last: number, port: number): Int32Array => {
  const words = new Int32Array(ADDRESS_WORDS);
  words[0] = family | (port << 16);
  words[2] = 0x0a00_0000 | last;
  return words;
};

/** A port that counts the sealers and openers that nobody has closed. */
const counted = () => {
  const crypto = testHandoffCrypto();
  const open = { sealers: 0, openers: 0 };
  const made: HandoffCrypto = {
    ...crypto,
    sealer: (secret) => {
      const sealer = crypto.sealer(secret);
      const close = sealer.close.bind(sealer);
      open.sealers++;
      sealer.close = () => {
        close();
        open.sealers--;
      };
      return sealer;
    },
    opener: (secret) => {
      const opener = crypto.opener(secret);
      const close = opener.close.bind(opener);
      open.openers++;
      opener.close = () => {
        close();
        open.openers--;
      };
      return opener;
    },
  };
  return { crypto: made, open };
};

const sending = ({ crypto = testHandoffCrypto(), thread = 0, worker = 1, mtu = 1500, family = 4 as 4 | 6 } = {}) => {
  const counters = handoffCounters();
  const sender = new HandoffSender({
    ...{ own: { worker, thread }, crypto, counters, seed: 1, peerBytesPerSecond: 1e9, sourceBytesPerSecond: 1e9 },
  });
  sender.setPeer({ worker: 2, address: address(family, 2, 7000), threads: 2, mtu });
  const out = new Burst(1 << 18, 256);
  const put = (bytes: number, { to = 1, ecn = 0, inner = 4 as 4 | 6, into = out } = {}) => {
    const words = new Int32Array(DESCRIPTOR_WORDS);
    words[D_ECN] = ecn;
    words.set(address(inner, 9, 4433), D_REMOTE);
    words.set(address(inner, 8, 443), D_LOCAL);
    return sender.put(2, to, new Uint8Array(bytes).fill(bytes), 0, bytes, words, 0, 0, into);
  };
  return { sender, counters, out, put };
};
type Sending = ReturnType<typeof sending>;

const receiving = ({
  crypto = testHandoffCrypto(),
  threads = 2,
  staticKey = undefined as Uint8Array | undefined,
} = {}) => {
  const counters = handoffCounters();
  const buffer = new Uint8Array(RECEIVE_BYTES + joinerBytes(HEADROOM));
  const receiver = new HandoffReceiver({
    ...{ own: { worker: 2, thread: 1 }, crypto, counters, buffer, joinAt: RECEIVE_BYTES, headroom: HEADROOM },
    messages: 4,
    answered: () => {},
  });
  receiver.setPeer({ worker: 1, address: address(4, 1, 7000), threads, staticKey });
  const burst = new Burst(0, 256, buffer);
  /** @returns the lengths of the datagrams that came out */
  const take = (packets: readonly Uint8Array[], ecn = 0): number[] => {
    burst.clear();
    burst.used = HEADROOM;
    for (const bytes of packets) {
      buffer.set(bytes, burst.used);
      burst.commit(bytes.length, ecn, address(4, 1, 7001), 0, address(4, 2, 7001), 0);
    }
    receiver.open(burst, 0);
    const { words, count } = receiver.opened;
    return Array.from({ length: count }, (_, i) => words[i * DESCRIPTOR_WORDS + D_LENGTH] as number);
  };
  return { receiver, counters, take };
};

/** The packets of a burst, sealed. */
const sealed = ({ sender, out }: Sending): Uint8Array[] => {
  sender.seal(out);
  const all: Uint8Array[] = [];
  for (let base = 0; base < out.count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
    let at = out.words[base + D_OFFSET] as number;
    const end = at + (out.words[base + D_LENGTH] as number);
    const segment = out.words[base + 2] as number;
    for (; at < end; at += segment) all.push(out.buffer.slice(at, Math.min(at + segment, end)));
  }
  out.clear();
  return all;
};

test('packets of several threads, keys and none at all lie between each other in one run, and each is opened by its own', () => {
  const [a, b, newer] = [sending(), sending({ thread: 1 }), sending()];
  for (const { sender } of [a, b]) sender.setKey(2, 1, SECRET);
  newer.sender.setKey(2, 2, SECRET.with(0, 1));
  const { receiver, counters, take } = receiving();
  receiver.setKey(1, 1, SECRET);
  receiver.setKey(1, 2, SECRET.with(0, 1));
  for (const each of [a, a, a, b, newer]) each.put(100);
  const [a0, a1, a2, b0, n0] = [a, b, newer].flatMap(sealed) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const long = a1.with(0, 0xc3);
  assert.deepEqual(take([a0, b0, long, n0, a2, n0]), [100, 100, 100, 100]);
  assert.deepEqual(counters.receiveDrops, { ...handoffCounters().receiveDrops, malformed: 1, replayed: 1 });
  assert.equal(counters.received.packets, 4);
});

test('how long a packet waited in the socket is told of what it carried', () => {
  const from = sending();
  from.sender.setKey(2, 1, SECRET);
  const { receiver, take } = receiving();
  receiver.setKey(1, 1, SECRET);
  from.put(100, { ecn: 2 });
  assert.deepEqual(take(sealed(from), 2 | (1234 << 2)), [100]);
  assert.equal(waitedUs(receiver.opened.words[D_ECN] as number), 1234);
});

test('each thread of a peer has a port of its own; one that there is not is the first', () => {
  const from = sending();
  from.sender.setKey(2, 1, SECRET);
  for (const [to, port] of [
    [0, 7000],
    [1, 7001],
    [2, 7000],
    [63, 7000],
  ] as const) {
    from.put(100, { to });
    assert.equal(addressPort(from.out.words, D_REMOTE), port);
    sealed(from);
  }
});

test('what fits the way goes whole, to the byte; what is longer in two packets that fit it too', () => {
  for (const [family, ip] of [
    [4, 28],
    [6, 48],
  ] as const) {
    for (const inner of [4, 6] as const) {
      const from = sending({ family });
      from.sender.setKey(2, 1, SECRET);
      const most = 1500 - ip - HEADER_BYTES - addressedBytes(inner) - TAG_BYTES;
      from.put(most, { inner });
      assert.deepEqual(
        sealed(from).map(({ length }) => length + ip),
        [1500],
      );
      from.put(most + 1, { inner });
      const two = sealed(from).map(({ length }) => length + ip);
      assert.equal(two.length, 2);
      assert.ok(Math.max(...two) <= 1500);
      assert.equal(from.counters.sent.packets, 3);
    }
  }
});

test('what the other end could not put together is not sent', () => {
  for (const inner of [4, 6] as const) {
    const from = sending();
    from.sender.setKey(2, 1, SECRET);
    const { receiver, take, counters } = receiving();
    receiver.setKey(1, 1, SECRET);
    const most = JOIN_BYTES - addressedBytes(inner);
    assert.equal(from.put(most, { inner }), undefined);
    assert.deepEqual(take(sealed(from)), [most]);
    assert.equal(from.put(most + 1, { inner }), 'too_large');
    assert.equal(counters.receiveDrops.unjoined, 0);
  }
});

test('there is room until there is none: nothing is written outside of a burst, whatever it is filled with', () => {
  for (const [bytes, capacity, length] of [
    [1, 1000, 1 << 18],
    [1452, 1000, 1 << 18],
    [1452, 9, 1 << 18],
    [1452, 1000, 10_000],
    [700, 4, 10_000],
  ] as const) {
    const from = sending();
    from.sender.setKey(2, 1, SECRET);
    const out = new Burst(length, capacity);
    let puts = 0;
    // The ECN codepoint changes, so that each has a descriptor of its own.
    for (; from.sender.hasRoom(2, 1, bytes, out); puts++) from.put(bytes, { ecn: puts % 2, into: out });
    assert.ok(puts > 0 && out.count <= capacity && out.used <= length, `${puts} of ${bytes}`);
    assert.ok(from.counters.sent.packets <= 256);
    assert.ok(capacity < 256 || length < 1 << 18 || from.counters.sent.packets >= 255, 'all of a queue is used');
    assert.equal(from.sender.seal(out), true);
    out.clear();
    assert.equal(from.sender.hasRoom(2, 1, bytes, out), true);
    assert.equal(from.sender.seal(out), false, 'there was nothing');
  }
  const out = new Burst(HandoffSender.roomFor(1452), 2);
  const { sender } = sending();
  assert.equal(sender.hasRoom(9, 0, 1452, out), true, 'of a peer that there is not, which `put` will say');
  assert.equal(sender.hasRoom(9, 0, 1453, out), false);
  assert.equal(sender.hasRoom(9, 0, 100, new Burst(10_000, 1)), false, 'it may be two packets');
  // Header, tag and, once, addresses and a question; 13 + 16 + 37 + 4 and 13 + 16 + 1.
  assert.equal(HandoffSender.roomFor(1000), 1100);
});

test('keys that are replaced, or whose peer is gone, are closed: nothing of them is left', () => {
  const { crypto, open } = counted();
  const from = sending({ crypto });
  for (const id of [1, 2, 3]) from.sender.setKey(2, id, SECRET);
  assert.equal(open.sealers, 2, 'one a thread');
  from.sender.setPeer({ worker: 2, address: address(4, 2, 7000), threads: 1, mtu: 1500 });
  assert.equal(open.sealers, 0);
  assert.equal(from.put(100), 'no_key');
  from.sender.setKey(2, 4, SECRET);
  from.sender.setKey(77, 4, SECRET);
  assert.equal(open.sealers, 1, 'none of a peer that is not there');
  from.sender.close();
  assert.equal(open.sealers, 0);

  const { receiver } = receiving({ crypto });
  for (const id of [1, 2, 3]) receiver.setKey(1, id, SECRET);
  assert.equal(open.openers, 4, 'two a thread');
  receiver.setPeer({ worker: 1, address: address(4, 1, 7000), threads: 1, staticKey: undefined });
  assert.equal(open.openers, 0);
  receiver.setKey(1, 4, SECRET);
  receiver.setKey(77, 4, SECRET);
  assert.equal(open.openers, 1);
  receiver.close();
  assert.equal(open.openers, 0);
});

test('a key that was tried and opens nothing is closed, ten a second and no more are tried', () => {
  const { crypto, open } = counted();
  const from = sending();
  const { counters, take, receiver } = receiving({ crypto, staticKey: SECRET });
  const by = (id: number): Uint8Array[] => {
    from.sender.setKey(2, id, staticSecret(testHandoffCrypto(), SECRET, id));
    from.put(100);
    return sealed(from);
  };
  assert.deepEqual(take(by(0)), [100], 'the first number of all is one');
  assert.equal(open.openers, 1);
  const forged = by(7).map((bytes) => bytes.with(-1, (bytes.at(-1) as number) ^ 1));
  for (let i = 0; i < 20; i++) take(forged);
  assert.equal(counters.receiveDrops.forged, 9);
  assert.equal(counters.receiveDrops.unknown_key, 11);
  assert.equal(open.openers, 1);
  receiver.close();
  assert.equal(open.openers, 0);
});

test('a direction’s secret is of both places, each byte of them, and a process’s of its whole key ID', () => {
  const asked: string[] = [];
  const crypto: HandoffCrypto = {
    ...testHandoffCrypto(),
    expandLabel: (secret, label, context) => {
      asked.push(`${label} ${Buffer.from(context).toString('hex')}`);
      return secret;
    },
  };
  directionSecret(crypto, SECRET, { worker: 0x1234, thread: 0x3f }, { worker: 0xfedc, thread: 1 });
  staticSecret(crypto, SECRET, 0x89abcdef);
  assert.deepEqual(asked, ['cbr handoff 12343ffedc01', 'cbr handoff static 89abcdef']);
});
