import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checksum, pseudoHeaderSum, writeWord } from '#protocol/ip/checksum.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { KernelProbe, type ProbeAnswer, type ProbeRoute } from './kernel-probe.ts';

const ROUTES: readonly ProbeRoute[] = [
  { source: '100.64.0.0', target: '100.64.255.255', translated: '100.64.0.1' },
  { source: 'fd00:9::1', target: 'fd00:9::2', translated: 'fd00:9::1' },
];

const made = () => {
  const sent: Uint8Array[] = [];
  const answers: ProbeAnswer[] = [];
  const egress = {
    add: (buffer: Uint8Array, { start, end }: IpView): boolean => sent.push(buffer.slice(start, end)) > 0,
  };
  const probe = new KernelProbe(ROUTES, egress, (answer) => answers.push(answer));
  const take = (packet: Uint8Array): boolean => {
    const view = new IpView();
    return view.parse(packet, 0, packet.length) === IpFault.none && probe.take(packet, view);
  };
  return { probe, sent, answers, take };
};

/** What the worker's table does, of IPv4: CS1, and another source. */
const handled4 = (packet: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(packet);
  out.set([100, 64, 0, 1], 12);
  out[1] = 0x20;
  writeWord(out, 10, 0);
  writeWord(out, 10, checksum(out, 0, 20));
  return out;
};

/** …and of IPv6, where nothing is translated. */
const handled6 = (packet: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(packet);
  out.set([0x62, 0x00], 0);
  return out;
};

test('a probe is a packet that routers take, of each version that is asked for', () => {
  const { probe, sent } = made();
  probe.send(0xfedcba98, [4, 6]);
  probe.send(1, [6]);
  assert.deepEqual(
    sent.map((packet) => (packet[0] as number) >>> 4),
    [4, 6, 6],
  );
  for (const packet of sent) {
    const view = new IpView();
    assert.equal(view.parse(packet, 0, packet.length), IpFault.none);
    const before = pseudoHeaderSum(packet, view.sourceAt, 2 * view.addressBytes, 17, packet.length - view.payloadAt);
    assert.equal(checksum(packet, view.payloadAt, packet.length, before), 0);
  }
  assert.notDeepEqual(sent[1]?.subarray(40, 42), sent[2]?.subarray(40, 42), 'each question is a flow of its own');
});

test('what comes back is told with its number, and whether nftables has had it', () => {
  const { probe, sent, answers, take } = made();
  probe.send(0xfedcba98, [4, 6]);
  const [four, six] = sent as [Uint8Array, Uint8Array];
  assert.ok(take(handled4(four)) && take(handled6(six)) && take(four) && take(six));
  const nonce = 0xfedcba98;
  assert.deepEqual(answers, [
    { version: 4, nonce, isHandled: true },
    { version: 6, nonce, isHandled: true },
    { version: 4, nonce, isHandled: false },
    { version: 6, nonce, isHandled: false },
  ]);
});

test('nothing else is taken for a probe, and what is about one is swallowed', () => {
  const { probe, sent, answers, take } = made();
  probe.send(7, [4]);
  const [four] = sent as [Uint8Array];
  const redirect = Uint8Array.from(four);
  redirect.set(four.subarray(12, 16), 16);
  writeWord(redirect, 10, 0);
  writeWord(redirect, 10, checksum(redirect, 0, 20));
  assert.ok(take(redirect));
  const cut = four.slice(0, -1);
  writeWord(cut, 2, cut.length);
  writeWord(cut, 10, 0);
  writeWord(cut, 10, checksum(cut, 0, 20));
  assert.equal(take(cut), false);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => !take(bytes)));
  assert.deepEqual(answers, []);
});
