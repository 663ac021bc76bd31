import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { Burst, D_ECN, DESCRIPTOR_WORDS } from '../burst.ts';
import { Drop } from './drop.ts';
import { ecnInside, tellCongestion } from './ecn.ts';
import { type Host, pair } from './testing/scene.ts';

const [NOT_ECT, ECT1, ECT0, CE] = [0, 1, 2, 3] as const;
const CODEPOINTS = [NOT_ECT, ECT1, ECT0, CE] as const;

/** A whole IPv4 packet with a right checksum, or an IPv6 one, of this codepoint. */
const packetOf = (version: 4 | 6, ecn: number): Uint8Array => {
  const bytes = new Uint8Array(64);
  if (version === 6) {
    bytes.set([0x6a, (0xb5 & ~0x30) | (ecn << 4), 0xcd, 0xef, 0, 24, 59, 64]);
    return bytes;
  }
  bytes.set([0x45, 0xb8 | ecn, 0, 64, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 1, 1, 10, 0, 2, 1]);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  const check = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  bytes.set([check >> 8, check & 0xff], 10);
  return bytes;
};

/** RFC 6040 §4.2, figure 4: what goes on, by what came inside and outside. */
const FIGURE_4: Readonly<Record<number, readonly (number | 'drop')[]>> = {
  [NOT_ECT]: [NOT_ECT, NOT_ECT, NOT_ECT, 'drop'],
  [ECT0]: [ECT0, ECT1, ECT0, CE],
  [ECT1]: [ECT1, ECT1, ECT1, CE],
  [CE]: [CE, CE, CE, CE],
};

test('RFC 6040 §4.2: what a packet says after the tunnel, and its header is right and otherwise as it was', () => {
  const view = new IpView();
  for (const version of [4, 6] as const)
    for (const inner of CODEPOINTS)
      for (const outer of CODEPOINTS) {
        const what = `IPv${version}, ${inner} inside, ${outer} outside`;
        const at = 5;
        const buffer = new Uint8Array(80).fill(0x77);
        buffer.set(packetOf(version, inner), at);
        const expected = FIGURE_4[inner]?.[outer];
        assert.equal(tellCongestion(buffer, at, outer), expected !== 'drop', what);
        assert.equal(ecnInside(buffer, at), expected === 'drop' ? inner : expected, what);
        const whole = new Uint8Array(80).fill(0x77);
        whole.set(packetOf(version, expected === 'drop' ? inner : (expected as number)), at);
        assert.deepEqual(buffer, whole, what);
        assert.equal(view.parse(buffer, at, at + 64), IpFault.none, what);
      }
});

/** Sends one packet and delivers its message with this codepoint outside. @returns the codepoint that it went with */
const sendMarked = ({ scene, a, b }: ReturnType<typeof pair>, packet: Uint8Array, outer: number): number => {
  a.sends([packet], scene.now);
  const burst = new Burst(2000, 4);
  a.core.poll(scene.now, burst);
  assert.equal(burst.count, 1);
  const sent = burst.words[D_ECN]!;
  // What it waited and its hop limit are told there as well.
  burst.words[D_ECN] = (64 << 24) | (1000 << 2) | outer;
  burst.words.set(a.address, 4);
  burst.words.set(b.address, 10);
  b.core.handle({ kind: 'datagrams', burst }, scene.now);
  return sent;
};

const last = (host: Host): Uint8Array => host.received.at(-1)!;

test('RFC 6040 §4.1: a message has the codepoint of the packet inside; what came of it on the way is told', () => {
  const parts = pair();
  const { scene, a, b } = parts;
  scene.send(a, b);
  for (const ecn of CODEPOINTS) assert.equal(sendMarked(parts, packetOf(4, ecn), NOT_ECT), ecn);
  const { length } = b.received;
  sendMarked(parts, packetOf(4, ECT0), CE);
  assert.deepEqual(last(b), packetOf(4, CE));
  assert.equal(b.received.length, length + 1);
  sendMarked(parts, packetOf(4, NOT_ECT), CE);
  assert.deepEqual([b.received.length, b.core.dropped[Drop.congestion]], [length + 1, 1]);
});

test('handshakes and keepalives say that they know no ECN; packets of one codepoint go together, others apart', () => {
  const { scene, a, b } = pair({ persistentKeepaliveS: 1 });
  a.sends([packetOf(4, ECT0)], scene.now);
  const burst = new Burst(2000, 4);
  a.core.poll(scene.now, burst);
  assert.deepEqual([burst.count, burst.buffer[0], burst.words[D_ECN]], [1, 1, NOT_ECT]);
  scene.run(6e6);
  burst.clear();
  a.core.handle({ kind: 'time' }, scene.now + 1e6);
  a.core.poll(scene.now + 1e6, burst);
  assert.deepEqual([burst.count, burst.used, burst.words[D_ECN]], [1, 32, NOT_ECT]);
  a.sends(
    [ECT0, ECT0, NOT_ECT, ECT0].map((ecn) => packetOf(4, ecn)),
    scene.now + 1e6,
  );
  burst.clear();
  a.core.poll(scene.now + 1e6, burst);
  assert.deepEqual(
    Array.from({ length: burst.count }, (_, i) => burst.words[DESCRIPTOR_WORDS * i + D_ECN]),
    [ECT0, NOT_ECT, ECT0],
  );
  assert.equal(b.received.length, 1);
});

test('packets that waited for a session go with their own codepoints', () => {
  const { scene, a, b } = pair();
  const seen: number[] = [];
  a.sends([packetOf(4, ECT1), packetOf(4, CE)], scene.now);
  b.takes(a.poll(scene.now), scene.now);
  a.takes(b.poll(scene.now), scene.now);
  const burst = new Burst(2000, 4);
  a.core.poll(scene.now, burst);
  for (let i = 0; i < burst.count; i++) seen.push(burst.words[DESCRIPTOR_WORDS * i + D_ECN]!);
  assert.deepEqual(seen, [ECT1, CE]);
});
