import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum, readWord, writeWord } from '#protocol/ip/checksum.ts';
import { isIntact } from '#protocol/ip/testing/packets.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { Protocol } from '#protocol/ip/view.ts';
import { NatDrop } from './counters.ts';
import type { Nat44 } from './nat.ts';
import { FlowState } from './tcp-state.ts';
import { between, type Ends, scene, viewOf } from './testing/nat.ts';

const SYN = 0x02;
const RST = 0x04;
const FIN = 0x11;
const ACK = 0x10;

/** Sends a packet of a device. @returns its outside address and port as text, or why it was dropped */
const out = (nat: Nat44, owner: number, ends: Ends): string | number => {
  const bytes = between({ source: '10.64.0.2', ...ends });
  const drop = nat.outbound(owner, bytes, viewOf(bytes));
  if (drop !== NatDrop.none) return drop;
  const isIcmp = bytes[9] === Protocol.icmp;
  assert.ok(isIcmp ? checksum(bytes, 20, bytes.length) === 0 && checksum(bytes, 0, 20) === 0 : isIntact(bytes));
  return `${formatIpAddress(bytes.subarray(12, 16))}:${readWord(bytes, isIcmp ? 24 : 20)}`;
};

/** As `out`, of a packet from outside: the inner address and port, or why it was dropped. */
const back = (nat: Nat44, owner: number, ends: Ends): string | number => {
  const bytes = between({ source: '203.0.113.200', from: 443, destination: '203.0.113.16', ...ends });
  const view = viewOf(bytes);
  const drop = nat.find(owner, bytes, view);
  if (drop !== NatDrop.none) return drop;
  nat.admit(owner, bytes, view);
  const isIcmp = bytes[9] === Protocol.icmp;
  assert.ok(isIcmp ? checksum(bytes, 20, bytes.length) === 0 && checksum(bytes, 0, 20) === 0 : isIntact(bytes));
  return `${formatIpAddress(bytes.subarray(16, 20))}:${readWord(bytes, isIcmp ? 24 : 22)}`;
};

const REMOTE = '203.0.113.200';
const OTHER = '203.0.113.201';
// 40,000 is 0 in blocks of 64 ports.
const PORT = 40_001;

test('a port is the same whomever a device talks to, and another protocol has mappings of its own', () => {
  const { nat, one, other } = scene();
  assert.equal(out(nat, one, { destination: REMOTE, from: PORT, flags: SYN }), '203.0.113.16:1025');
  assert.equal(out(nat, one, { destination: OTHER, from: PORT, to: 80, flags: SYN }), '203.0.113.16:1025');
  assert.equal(out(nat, one, { destination: OTHER, from: PORT, protocol: Protocol.udp }), '203.0.113.16:1025');
  assert.equal(out(nat, other, { destination: REMOTE, from: PORT, flags: SYN }), '203.0.113.16:1089');
  assert.deepEqual([nat.mappings.size, nat.flows.size], [3, 4]);
});

test('who was sent nothing gets nothing in: by address for UDP, by address and port for TCP', () => {
  const { nat, one } = scene();
  out(nat, one, { destination: REMOTE, from: PORT, flags: SYN });
  out(nat, one, { destination: REMOTE, from: PORT, protocol: Protocol.udp });
  assert.equal(back(nat, one, { to: 1025, flags: SYN | ACK }), '10.64.0.2:40001');
  assert.equal(back(nat, one, { to: 1025, from: 444, flags: SYN }), NatDrop.filtered);
  assert.equal(back(nat, one, { to: 1025, source: OTHER }), NatDrop.filtered);
  assert.equal(back(nat, one, { to: 1026 }), NatDrop.noMapping);
  assert.equal(back(nat, one, { to: 1025, from: 9999, protocol: Protocol.udp }), '10.64.0.2:40001');
  assert.equal(back(nat, one, { to: 1025, source: OTHER, protocol: Protocol.udp }), NatDrop.filtered);
});

test('both ends may open a connection at once', () => {
  const { nat, one } = scene();
  out(nat, one, { destination: REMOTE, from: PORT, flags: SYN });
  assert.equal(back(nat, one, { to: 1025, flags: SYN }), '10.64.0.2:40001');
  assert.equal(out(nat, one, { destination: REMOTE, from: PORT, flags: SYN | ACK }), '203.0.113.16:1025');
  assert.equal(nat.flows.state(0), FlowState.established);
});

test('a port that is taken gives way to another of the same parity, and none is shared', () => {
  const { nat, one } = scene();
  const ports = new Set<string | number>();
  for (let i = 0; i < 32; i++) {
    const port = out(nat, one, { source: '10.64.0.2', destination: REMOTE, from: 40_000 + 64 * i, flags: SYN });
    assert.equal(Number(String(port).split(':')[1]) % 2, 0, 'parity');
    ports.add(port);
  }
  assert.equal(ports.size, 32);
  assert.equal(nat.counters.deviating, 31);
  // All even ones are in use.
  assert.match(
    String(out(nat, one, { destination: REMOTE, from: 50_000, flags: SYN })),
    /^203\.0\.113\.16:1\d\d[13579]$/,
  );
});

test('a device has the ports of its block and no more; what it has stays', () => {
  const { nat, one, other } = scene();
  for (let i = 0; i < 64; i++)
    assert.equal(typeof out(nat, one, { destination: REMOTE, from: 2000 + i, flags: SYN }), 'string');
  assert.equal(out(nat, one, { destination: REMOTE, from: 3000, flags: SYN }), NatDrop.exhausted);
  assert.equal(typeof out(nat, one, { destination: OTHER, from: 2000, flags: SYN }), 'string');
  assert.equal(typeof out(nat, one, { destination: REMOTE, from: 3000, protocol: Protocol.udp }), 'string');
  assert.equal(typeof out(nat, other, { destination: REMOTE, from: 3000, flags: SYN }), 'string');
});

test('a device has eight sessions a port at most', () => {
  const { nat, one } = scene();
  const send = (i: number) =>
    out(nat, one, { destination: `198.51.${i >> 8}.${i & 255}`, from: PORT, protocol: Protocol.udp });
  for (let i = 0; i < 512; i++) assert.equal(typeof send(i), 'string');
  assert.equal(send(512), NatDrop.sessionLimit);
});

/** What is left of a session after so many seconds of silence. */
const after = (seconds: number, act: (nat: Nat44, owner: number) => void): number => {
  const { nat, one } = scene();
  act(nat, one);
  nat.now = seconds;
  nat.sweep(1000);
  return nat.flows.size;
};

test('established connections last for 2 h 4 min of silence, opening, closing and reset ones for 4 min', () => {
  const open = (nat: Nat44, owner: number): void => {
    out(nat, owner, { destination: REMOTE, from: PORT, flags: SYN });
    back(nat, owner, { to: 1025, flags: SYN | ACK });
  };
  const cases: readonly [number, (nat: Nat44, owner: number) => void][] = [
    [240, (nat, owner) => void out(nat, owner, { destination: REMOTE, from: PORT, flags: SYN })],
    [7440, open],
    [
      7440,
      (nat, owner) => {
        open(nat, owner);
        out(nat, owner, { destination: REMOTE, from: PORT, flags: FIN });
      },
    ],
    [
      240,
      (nat, owner) => {
        open(nat, owner);
        out(nat, owner, { destination: REMOTE, from: PORT, flags: FIN });
        back(nat, owner, { to: 1025, flags: FIN });
      },
    ],
    [
      240,
      (nat, owner) => {
        open(nat, owner);
        assert.equal(back(nat, owner, { to: 1025, flags: RST }), '10.64.0.2:40001');
      },
    ],
    [
      7440,
      (nat, owner) => {
        open(nat, owner);
        back(nat, owner, { to: 1025, flags: RST });
        out(nat, owner, { destination: REMOTE, from: PORT, flags: ACK });
      },
    ],
  ];
  for (const [seconds, act] of cases) {
    assert.equal(after(seconds - 1, act), 1, `${seconds} s`);
    assert.equal(after(seconds, act), 0, `${seconds} s`);
  }
});

test('UDP lasts for 5 min, DNS for 20 s, echoes for 60 s; packets of both sides refresh', () => {
  const cases: readonly [number, Ends][] = [
    [300, { protocol: Protocol.udp, to: 5000 }],
    [20, { protocol: Protocol.udp, to: 53 }],
    [60, { protocol: Protocol.icmp, to: 8 }],
  ];
  for (const [seconds, ends] of cases) {
    const act = (nat: Nat44, owner: number): void => void out(nat, owner, { destination: REMOTE, from: PORT, ...ends });
    assert.equal(after(seconds - 1, act), 1);
    assert.equal(after(seconds, act), 0);
  }
  const { nat, one } = scene();
  out(nat, one, { destination: REMOTE, from: PORT, to: 443, protocol: Protocol.udp });
  nat.now = 299;
  assert.equal(back(nat, one, { to: 1025, protocol: Protocol.udp }), '10.64.0.2:40001');
  nat.now = 598;
  nat.sweep(1000);
  assert.equal(nat.flows.size, 1);
});

test('what a filter kept out refreshes nothing, nor does a RST that changes nothing', () => {
  const { nat, one } = scene();
  out(nat, one, { destination: REMOTE, from: PORT, protocol: Protocol.udp });
  out(nat, one, { destination: REMOTE, from: PORT, flags: SYN });
  nat.now = 200;
  assert.equal(back(nat, one, { source: OTHER, to: 1025, protocol: Protocol.udp }), NatDrop.filtered);
  back(nat, one, { to: 1025, flags: RST });
  nat.now = 300;
  nat.sweep(1000);
  assert.deepEqual([nat.flows.size, nat.mappings.size], [0, 0]);
});

test('echoes go by their identifier', () => {
  const { nat, one } = scene();
  assert.equal(out(nat, one, { destination: REMOTE, from: PORT, to: 8, protocol: Protocol.icmp }), '203.0.113.16:1025');
  assert.equal(back(nat, one, { from: 1025, to: 0, protocol: Protocol.icmp }), '10.64.0.2:40001');
  assert.equal(back(nat, one, { source: OTHER, from: 1025, to: 0, protocol: Protocol.icmp }), NatDrop.filtered);
  assert.equal(back(nat, one, { from: 1025, to: 8, protocol: Protocol.icmp }), NatDrop.noMapping);
});

/** An ICMP error about a packet, of which so many bytes are quoted. */
const errorAbout = (about: Uint8Array, ends: Ends, quoted = about.length): Uint8Array =>
  between({ protocol: Protocol.icmp, from: 0, to: 3, data: about.subarray(0, quoted), ...ends });

for (const protocol of [Protocol.tcp, Protocol.udp, Protocol.icmp]) {
  for (const quoted of [28, 43]) {
    test(`an error about a packet of protocol ${protocol} is translated with ${quoted} bytes of what it quotes`, () => {
      const { nat, one } = scene();
      const to = protocol === Protocol.icmp ? 8 : 443;
      const sent = between({ source: '10.64.0.2', destination: REMOTE, from: PORT, to, protocol, flags: SYN });
      const asSent = sent.slice();
      assert.equal(nat.outbound(one, sent, viewOf(sent)), NatDrop.none);
      const error = errorAbout(sent, { source: OTHER, destination: '203.0.113.16' }, quoted);
      const view = viewOf(error);
      assert.equal(nat.blockOf(error, view), 0);
      assert.equal(nat.find(one, error, view), NatDrop.none);
      nat.admit(one, error, view);
      assert.equal(formatIpAddress(error.subarray(16, 20)), '10.64.0.2');
      assert.equal(checksum(error, 0, 20) + checksum(error, 20, error.length), 0);
      assert.deepEqual(error.subarray(28), asSent.subarray(0, quoted));
      // Nothing of it ends a session.
      assert.equal(nat.flows.size, 1);
    });
  }
}

test('an error of a device about what it was sent is translated; about anything else it is not', () => {
  const { nat, one } = scene();
  out(nat, one, { destination: REMOTE, from: PORT, protocol: Protocol.udp });
  const came = between({ source: REMOTE, from: 443, destination: '203.0.113.16', to: 1025, protocol: Protocol.udp });
  const asCame = came.slice();
  const view = viewOf(came);
  assert.equal(nat.find(one, came, view), NatDrop.none);
  nat.admit(one, came, view);
  const error = errorAbout(came, { source: '10.64.0.2', destination: REMOTE });
  assert.equal(nat.outbound(one, error, viewOf(error)), NatDrop.none);
  assert.equal(formatIpAddress(error.subarray(12, 16)), '203.0.113.16');
  assert.deepEqual(error.subarray(28), asCame);
  assert.equal(checksum(error, 0, 20) + checksum(error, 20, error.length), 0);
  const strange = errorAbout(between({ source: OTHER, destination: '10.64.0.2', to: PORT, protocol: Protocol.udp }), {
    source: '10.64.0.2',
    destination: OTHER,
  });
  assert.equal(nat.outbound(one, strange, viewOf(strange)), NatDrop.filtered);
});

test('later fragments of a device have its address, and no port', () => {
  const { nat, one } = scene();
  const bytes = between({ source: '10.64.0.2', protocol: Protocol.udp, fragmentField: 100 });
  const before = bytes.slice(20);
  assert.equal(nat.outbound(one, bytes, viewOf(bytes)), NatDrop.none);
  assert.equal(formatIpAddress(bytes.subarray(12, 16)), '203.0.113.16');
  assert.equal(checksum(bytes, 0, 20), 0);
  assert.deepEqual(bytes.slice(20), before);
});

test('a datagram without a checksum stays without, one whose checksum comes to zero has all ones', () => {
  const { nat, one } = scene();
  const bytes = between({ source: '10.64.0.2', destination: REMOTE, from: PORT, protocol: Protocol.udp });
  writeWord(bytes, 26, 0);
  nat.outbound(one, bytes, viewOf(bytes));
  assert.equal(readWord(bytes, 26), 0);
  for (let n = 0; n < 0x10000; n++) {
    const data = Uint8Array.of(n >>> 8, n);
    const packet = between({ source: '10.64.0.2', destination: REMOTE, from: PORT, protocol: Protocol.udp, data });
    if (readWord(packet, 26) === 0) continue;
    nat.outbound(one, packet, viewOf(packet));
    assert.notEqual(readWord(packet, 26), 0);
  }
});

test('a connection is taken up in mid-stream from inside at any time, from outside while its device has just moved', () => {
  const { nat, one } = scene();
  assert.equal(out(nat, one, { destination: REMOTE, from: PORT, flags: ACK }), '203.0.113.16:1025');
  assert.equal(out(nat, one, { destination: REMOTE, from: PORT + 1, flags: RST }), NatDrop.noMapping);
  assert.equal(nat.counters.pickedUp, 1);
  assert.equal(back(nat, one, { source: OTHER, to: 1025 }), NatDrop.filtered);
  nat.owners.setPickUpUntil(one, 60);
  assert.equal(back(nat, one, { source: OTHER, to: 1025, flags: SYN }), NatDrop.filtered);
  assert.equal(back(nat, one, { source: OTHER, to: 1025 }), '10.64.0.2:40001');
  nat.now = 60;
  assert.equal(back(nat, one, { source: '203.0.113.202', to: 1025 }), NatDrop.filtered);
});

test('while it is not known which sessions a device has, no port is given', () => {
  const { nat, one } = scene();
  nat.owners.setWaiting(one, true);
  assert.equal(out(nat, one, { destination: REMOTE, from: PORT, flags: SYN }), NatDrop.waiting);
  assert.equal(back(nat, one, { to: 1025 }), NatDrop.waiting);
  nat.owners.setWaiting(one, false);
  assert.equal(typeof out(nat, one, { destination: REMOTE, from: PORT, flags: SYN }), 'string');
});

test('sessions that last are told, with their end; another translator goes on with them', () => {
  const { nat, told, one } = scene();
  out(nat, one, { destination: REMOTE, from: PORT, flags: SYN });
  assert.equal(told.length, 0);
  back(nat, one, { to: 1025, flags: SYN | ACK });
  out(nat, one, { destination: OTHER, from: PORT, protocol: Protocol.udp });
  nat.now = 1;
  out(nat, one, { destination: OTHER, from: PORT, protocol: Protocol.udp });
  assert.deepEqual(
    told.map(({ protocol, state, outerPort }) => [protocol, state, outerPort]),
    [
      [Protocol.tcp, FlowState.established, 1025],
      [Protocol.udp, FlowState.init, 1025],
    ],
  );
  const next = scene();
  for (const flow of told) assert.ok(next.nat.restore(next.one, flow));
  assert.equal(back(next.nat, next.one, { to: 1025 }), '10.64.0.2:40001');
  assert.equal(out(next.nat, next.one, { destination: REMOTE, from: PORT, flags: ACK }), '203.0.113.16:1025');
  assert.equal(next.nat.counters.pickedUp, 0);
  // Nor can a port be had twice.
  assert.equal(next.nat.restore(next.one, { ...(told[0] as (typeof told)[0]), innerPort: 7 }), false);
  assert.equal(next.nat.restore(next.other, told[0] as (typeof told)[0]), false);
  nat.now = 10_000;
  nat.sweep(100);
  assert.deepEqual(
    told.slice(2).map(({ state }) => state),
    [0, 0],
  );
});

test('other protocols, and packets without their header, are not translated', () => {
  const { nat, one } = scene();
  assert.equal(out(nat, one, { protocol: 47 }), NatDrop.protocol);
  for (const protocol of [Protocol.tcp, Protocol.udp, Protocol.icmp]) {
    const bytes = between({ source: '10.64.0.2', protocol, data: new Uint8Array(0) }).slice(0, 27);
    writeWord(bytes, 2, bytes.length);
    writeWord(bytes, 10, 0);
    writeWord(bytes, 10, checksum(bytes, 0, 20));
    const before = bytes.slice();
    assert.equal(nat.outbound(one, bytes, viewOf(bytes)), NatDrop.malformed);
    assert.equal(nat.find(one, bytes, viewOf(bytes)), NatDrop.malformed);
    assert.deepEqual(bytes, before);
  }
});

test('a device that is closed leaves nothing', () => {
  const { nat, one, told } = scene();
  for (let i = 0; i < 50; i++) out(nat, one, { destination: REMOTE, from: 2000 + i, flags: SYN });
  nat.close(one);
  assert.deepEqual([nat.mappings.size, nat.flows.size, nat.owners.size, told.length], [0, 0, 1, 0]);
});
