import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packet, tcp, udp } from '#protocol/ip/testing/packets.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import { Correspondents, PICK_UP_SECONDS } from './correspondents.ts';

const DEVICE = 'fd00:1::2';
const REMOTE = '2001:db8:f::10';
const [SYN, RST, ACK] = [2, 4, 16];

const udp6 = (source: string, destination: string): Uint8Array =>
  packet({ source, destination, protocol: Protocol.udp, payload: udp(new Uint8Array(0)) });
const tcp6 = (source: string, destination: string, flags: number): Uint8Array =>
  packet({ source, destination, payload: tcp({ flags }) });
const icmp6 = (type: number, quoted: Uint8Array = new Uint8Array(0)): Uint8Array => {
  const payload = new Uint8Array(8 + quoted.length);
  payload[0] = type;
  payload.set(quoted, 8);
  return packet({ source: '2001:db8:99::1', destination: DEVICE, protocol: Protocol.icmp6, payload });
};

const table = () => {
  const them = new Correspondents(1);
  const view = new IpView();
  const of = (bytes: Uint8Array): IpView => {
    assert.equal(view.parse(bytes, 0, bytes.length), IpFault.none);
    return view;
  };
  return {
    them,
    out: (bytes: Uint8Array) => them.sent(bytes, of(bytes)),
    isLetIn: (bytes: Uint8Array, pickUpUntil = -1) => them.isLetIn(bytes, of(bytes), pickUpUntil),
  };
};

test('who was sent something may answer, by whatever port; nobody else may, nor for another device', () => {
  const { out, isLetIn } = table();
  assert.equal(isLetIn(udp6(REMOTE, DEVICE)), false);
  out(udp6(DEVICE, REMOTE));
  assert.equal(isLetIn(udp6(REMOTE, DEVICE)), true);
  assert.equal(isLetIn(tcp6(REMOTE, DEVICE, SYN)), true);
  assert.equal(isLetIn(udp6(REMOTE, 'fd00:1::3')), false);
  assert.equal(isLetIn(udp6('2001:db8:f::11', DEVICE)), false);
});

test('a pair is over after 5 min of silence, or 2 h 4 min where there was TCP; both sides keep it', () => {
  const { them, out, isLetIn } = table();
  out(udp6(DEVICE, REMOTE));
  them.tick(300);
  assert.equal(isLetIn(udp6(REMOTE, DEVICE)), true);
  them.tick(600);
  assert.equal(isLetIn(udp6(REMOTE, DEVICE)), true);
  them.tick(901);
  assert.equal(isLetIn(udp6(REMOTE, DEVICE)), false);
  out(tcp6(DEVICE, REMOTE, ACK));
  them.tick(901 + 7440);
  assert.equal(isLetIn(tcp6(REMOTE, DEVICE, ACK)), true);
  them.tick(901 + 7440 + 7441);
  assert.equal(isLetIn(tcp6(REMOTE, DEVICE, ACK)), false);
});

test('an error of whichever router comes in when it is about a packet that was sent, and lets nobody else in', () => {
  const { out, isLetIn } = table();
  const sent = udp6(DEVICE, REMOTE);
  assert.equal(isLetIn(icmp6(2, sent)), false);
  out(sent);
  assert.equal(isLetIn(icmp6(2, sent)), true);
  assert.equal(isLetIn(icmp6(2, udp6('fd00:1::3', REMOTE))), false);
  assert.equal(isLetIn(icmp6(2, udp6(DEVICE, '2001:db8:f::11'))), false);
  assert.equal(isLetIn(icmp6(2, sent.subarray(0, 39))), false);
  assert.equal(isLetIn(icmp6(129)), false);
});

test('a device that came from elsewhere is found by who talked to it there, for a minute; nobody begins anything', () => {
  const { them, isLetIn } = table();
  assert.equal(them.pickUpUntil('red/phone'), -1);
  them.isElsewhere('red/phone');
  them.tick(599);
  const until = them.pickUpUntil('red/phone');
  assert.equal(until, 599 + PICK_UP_SECONDS);
  for (const flags of [SYN, RST, SYN | ACK]) assert.equal(isLetIn(tcp6(REMOTE, DEVICE, flags), until), false);
  const payload = Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0);
  const echo = packet({ source: REMOTE, destination: DEVICE, protocol: Protocol.icmp6, payload });
  assert.equal(isLetIn(echo, until), false);
  assert.equal(isLetIn(tcp6(REMOTE, DEVICE, ACK), until), true);
  them.tick(until + 1);
  assert.equal(isLetIn(udp6('2001:db8:f::11', DEVICE), until), false);
  assert.equal(isLetIn(tcp6(REMOTE, DEVICE, SYN), until), true, 'what was taken up goes on');
  them.tick(1200);
  assert.equal(them.pickUpUntil('red/phone'), -1);
});

test('one device that talks to very many pushes nobody else out but few', () => {
  const { out, isLetIn } = table();
  const others = Array.from({ length: 500 }, (_, i) => `fd00:2::${(i + 1).toString(16)}`);
  for (const other of others) out(udp6(other, REMOTE));
  for (let i = 0; i < 100_000; i++)
    out(udp6(DEVICE, `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::1`));
  const left = others.filter((other) => isLetIn(udp6(REMOTE, other))).length;
  assert.ok(left >= 450, `${left} of 500`);
});

test('whatever comes in was sent for', () => {
  const host = fc.integer({ min: 1, max: 6 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), host, host), { maxLength: 60 }), (packets) => {
      const { out, isLetIn } = table();
      const asked = new Set<string>();
      for (const [isOut, d, r] of packets) {
        const [device, remote] = [`fd00:1::${d}`, `2001:db8:f::${r}`];
        if (isOut) {
          out(udp6(device, remote));
          asked.add(`${d} ${r}`);
        } else assert.equal(isLetIn(udp6(remote, device)), asked.has(`${d} ${r}`));
      }
    }),
  );
});
