import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePorts } from '#host/wireguard/ports.ts';
import { COOKIE_REFRESH_US } from '../limits.ts';
import { address, privateKey, testRandom } from '../testing/scene.ts';
import { CookieChecker } from './checker.ts';
import { CookieKeeper } from './keeper.ts';
import { HANDSHAKES_A_SECOND, HandshakeLoad, UNDER_LOAD_US } from './load.ts';
import { SOURCE_BURST, SourceLimit } from './source-limit.ts';

const MAC1_AT = 116;
const V6 = Int32Array.of((5000 << 16) | 6, 0, 1, 2, 3, 4);

/** A responder's checker, what an initiator signs, and the wall clock of both. */
const scene = () => {
  const { mac, handshake } = nodePorts();
  const [own, other] = [1, 2].map((id) => handshake.identity(privateKey(id)));
  const peer = handshake.peer(own!, other!.publicKey)!;
  const time = { us: 1000 * COOKIE_REFRESH_US };
  const checker = new CookieChecker(mac, other!.publicKey, new Uint8Array(32).fill(9), () => time.us);
  const keeper = new CookieKeeper(mac);
  const message = Uint8Array.from({ length: 148 }, (_, i) => i);
  const sign = (): Uint8Array => {
    keeper.sign(peer, message, MAC1_AT, time.us);
    return message;
  };
  const reply = (from: Int32Array): Uint8Array => checker.reply(7, message, MAC1_AT, from, 0, testRandom(1));
  const accepts = (from: Int32Array): boolean => checker.isMac2Valid(sign(), 0, MAC1_AT, from, 0);
  return { peer, time, checker, keeper, message, sign, reply, accepts };
};

test('mac1 is of the responder’s key and of all bytes before it', () => {
  const { checker, sign, message } = scene();
  sign();
  assert.ok(checker.isMac1Valid(message, 0, MAC1_AT));
  for (let at = 0; at < MAC1_AT + 16; at++) {
    message[at]! ^= 1;
    assert.equal(checker.isMac1Valid(message, 0, MAC1_AT), false, `byte ${at}`);
    message[at]! ^= 1;
  }
});

test('without a cookie mac2 is zero and not valid; with one it is, for that address and port alone', () => {
  for (const from of [address(1), V6]) {
    const { peer, time, keeper, sign, reply, accepts } = scene();
    assert.deepEqual(sign().subarray(132), new Uint8Array(16));
    assert.equal(accepts(from), false);
    const answer = reply(from);
    assert.deepEqual([...answer.subarray(0, 8)], [3, 0, 0, 0, 7, 0, 0, 0]);
    assert.ok(keeper.take(peer, answer, 0, time.us));
    assert.ok(accepts(from));
    for (const word of [0, 2, ...(from === V6 ? [3, 4, 5] : [])]) {
      const other = from.slice();
      other[word]! ^= 1 << 16;
      assert.equal(accepts(other), false, `word ${word}`);
    }
  }
});

test('a flood without cookies costs no mac beyond mac1', () => {
  let macs = 0;
  const { mac } = nodePorts();
  const counted = {
    ...mac,
    mac: (...args: Parameters<typeof mac.mac>) => {
      macs++;
      mac.mac(...args);
    },
  };
  const checker = new CookieChecker(
    counted,
    new Uint8Array(32).fill(1),
    new Uint8Array(32),
    () => 1000 * COOKIE_REFRESH_US,
  );
  const message = new Uint8Array(148).fill(7, 0, 132);
  assert.equal(checker.isMac2Valid(message, 0, MAC1_AT, address(1), 0), false);
  assert.equal(macs, 0);
  // One that could be a cookie's is looked at, for both periods.
  message[147] = 1;
  assert.equal(checker.isMac2Valid(message, 0, MAC1_AT, address(1), 0), false);
  assert.equal(macs, 6, 'the secrets of both periods among them');
  assert.equal(checker.isMac2Valid(message, 0, MAC1_AT, address(1), 0), false);
  assert.equal(macs, 10, 'which are kept');
});

test('a cookie is used for two minutes, and its maker takes it for two to four', () => {
  const { peer, time, keeper, sign, reply, accepts, checker } = scene();
  time.us += COOKIE_REFRESH_US - 1;
  sign();
  keeper.take(peer, reply(address(1)), 0, time.us);
  time.us += COOKIE_REFRESH_US - 1;
  assert.ok(accepts(address(1)), 'of the period before');
  const held = sign().slice();
  time.us += 1;
  assert.deepEqual(sign().subarray(132), new Uint8Array(16));
  assert.ok(checker.isMac2Valid(held, 0, MAC1_AT, address(1), 0));
  time.us += 1;
  assert.equal(checker.isMac2Valid(held, 0, MAC1_AT, address(1), 0), false);
});

test('a reply that is changed, of another message, or comes again, is no cookie', () => {
  const { peer, time, keeper, sign, reply, message } = scene();
  assert.equal(keeper.take(peer, new Uint8Array(64), 0, time.us), false, 'nothing was sent');
  sign();
  const answer = reply(address(1));
  for (let at = 8; at < 64; at++) {
    answer[at]! ^= 1;
    assert.equal(keeper.take(peer, answer, 0, time.us), false, `byte ${at}`);
    answer[at]! ^= 1;
  }
  message[0]! ^= 1;
  sign();
  assert.equal(keeper.take(peer, answer, 0, time.us), false);
  const right = reply(address(1));
  assert.ok(keeper.take(peer, right, 0, time.us));
  assert.equal(keeper.take(peer, right, 0, time.us), false);
  keeper.forget();
  assert.deepEqual(sign().subarray(132), new Uint8Array(16));
});

test('more handshakes than the rate are a load, which lasts a second beyond', () => {
  const load = new HandshakeLoad(100);
  for (let i = 0; i < 10; i++) assert.equal(load.count(0, false), false);
  assert.equal(load.count(0, false), true);
  assert.equal(load.count(UNDER_LOAD_US - 1, false), true);
  assert.equal(load.count(UNDER_LOAD_US, false), false);
  for (let us = 2e6; us < 3e6; us += 10_000) assert.equal(load.count(us, false), false);
  assert.equal(new HandshakeLoad(0).count(0, false), true);
});

test('the rate of handshakes comes back with time: as many as passed, a tenth of a second’s at most, nothing for time that goes back', () => {
  assert.equal(HANDSHAKES_A_SECOND, 1000);
  const load = new HandshakeLoad(100);
  /** How many come at once before there is a load. */
  const taken = (now: number): number => {
    let count = 0;
    while (count < 1000 && !load.count(now, false)) count++;
    return count;
  };
  assert.equal(taken(10e6), 10, 'a burst, whatever the time was before');
  assert.equal(taken(11e6), 10, 'load is over');
  assert.equal(load.count(13e6, false), false);
  assert.equal(load.count(12.9e6, false), false);
  assert.equal(taken(13e6), 8, 'those two are gone, and time that went back gave nothing');
  assert.equal(taken(13e6 + UNDER_LOAD_US), 10);
  const slow = new HandshakeLoad(5);
  assert.deepEqual([slow.count(0, false), slow.count(0, false)], [false, true], 'one at least');
  const steady = new HandshakeLoad(100);
  for (let i = 0; i < 10; i++) steady.count(1e6, false);
  for (let us = 1e6 + 10_000; us < 2e6; us += 10_000) assert.equal(steady.count(us, false), false);
  assert.equal(steady.count(2e6 - 10_000 + 5000, false), true, 'half of one is none');
});

test('a source begins 64 at once and twenty a second; a /64 is one source, an IPv4 address another', () => {
  const limit = new SourceLimit(5);
  const allowed = (from: Int32Array, now: number): number => {
    let count = 0;
    while (limit.allows(from, 0, now)) count++;
    return count;
  };
  assert.equal(allowed(address(1), 1e6), SOURCE_BURST);
  assert.equal(allowed(address(1, 99), 1e6), 0, 'whatever its port');
  assert.equal(allowed(address(2), 1e6), SOURCE_BURST);
  assert.equal(allowed(address(1), 1e6 + 100_000), 2);
  assert.equal(allowed(V6, 1e6), SOURCE_BURST);
  assert.equal(allowed(Int32Array.of(V6[0]!, 0, 1, 2, 9, 9), 1e6), 0);
  assert.equal(allowed(Int32Array.of(V6[0]!, 0, 1, 9, 3, 4), 1e6), SOURCE_BURST);
});

test('a million sources leave the table as it is', () => {
  const limit = new SourceLimit(5);
  const from = address(1);
  let allowed = 0;
  for (let i = 0; i < 1_000_000; i++) {
    from[2] = i * 7919;
    if (limit.allows(from, 0, i)) allowed++;
  }
  assert.ok(allowed > 990_000);
});

test('without a rate only many that wait are a load, for a second after', () => {
  const load = new HandshakeLoad(Number.POSITIVE_INFINITY);
  for (let i = 0; i < 100_000; i++) assert.ok(!load.count(0, false));
  assert.ok(load.count(5, true));
  assert.ok(load.count(5 + UNDER_LOAD_US - 1, false));
  assert.ok(!load.count(5 + UNDER_LOAD_US, false));
});
