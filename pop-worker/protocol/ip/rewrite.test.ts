import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readWord } from './checksum.ts';
import { clampMss, decrementHopLimit, rewriteAddress } from './rewrite.ts';
import { address, isIntact, packet, tcp, udp } from './testing/packets.ts';
import { formatIpAddress } from './text.ts';
import { IpFault, IpView, Protocol } from './view.ts';

const view = new IpView();
const parse = (bytes: Uint8Array): void => assert.equal(view.parse(bytes, 0, bytes.length), IpFault.none);
const v6 = { source: '2001:db8::2', destination: '2001:db8:f::10' } as const;

test('rewritten addresses keep every checksum right', () => {
  const payloads = [
    { protocol: Protocol.tcp, payload: (data: Uint8Array) => tcp({ data }) },
    { protocol: Protocol.udp, payload: udp },
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...payloads),
      fc.boolean(),
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.boolean(),
      (kind, isV6, data, fresh, isSource) => {
        const bytes = packet({ ...(isV6 ? v6 : {}), protocol: kind.protocol, payload: kind.payload(data) });
        parse(bytes);
        const at = isSource ? view.sourceAt : view.destinationAt;
        const to = fresh.subarray(0, view.addressBytes);
        rewriteAddress(bytes, view, at, to);
        assert.deepEqual(bytes.subarray(at, at + view.addressBytes), to);
        assert.ok(isIntact(bytes));
      },
    ),
  );
});

test('a UDP datagram over IPv4 without a checksum stays without one', () => {
  const bytes = packet({ protocol: Protocol.udp, payload: udp(new Uint8Array(3)) });
  bytes.set([0, 0], 26);
  parse(bytes);
  rewriteAddress(bytes, view, view.sourceAt, address('100.64.0.9'));
  assert.equal(readWord(bytes, 26), 0);
  parse(bytes);
  assert.equal(formatIpAddress(bytes.subarray(12, 16)), '100.64.0.9');
});

test('what is too short for a checksum is left as it is', () => {
  for (const base of [{}, v6]) {
    for (const [protocol, most] of [
      [Protocol.tcp, 17],
      [Protocol.udp, 7],
      [Protocol.icmp6, 3],
    ] as const) {
      for (let length = 0; length <= most; length++) {
        const bytes = packet({ ...base, protocol, payload: new Uint8Array(0) });
        const at = bytes.length;
        const longer = Uint8Array.from([...bytes, ...new Uint8Array(length).fill(9)]);
        parse(bytes);
        view.end = at + length;
        const fresh = address(view.version === 4 ? '100.64.0.9' : '2001:db8::99');
        const expected = longer.slice();
        rewriteAddress(longer, view, view.sourceAt, fresh);
        expected.set(fresh, view.sourceAt);
        if (view.version === 4) expected.set(longer.subarray(10, 12), 10);
        assert.deepEqual(longer, expected, `${protocol} ${length}`);
      }
    }
  }
});

test('a checksum at the very end is kept right', () => {
  for (const [protocol, bytes] of [
    [Protocol.tcp, 18],
    [Protocol.udp, 8],
    [Protocol.icmp6, 4],
  ] as const) {
    const whole = packet({ ...v6, protocol, payload: new Uint8Array(bytes).fill(7) });
    assert.ok(isIntact(whole));
    parse(whole);
    rewriteAddress(whole, view, view.destinationAt, address('2001:db8::99'));
    assert.ok(isIntact(whole), `${protocol}`);
  }
});

test('a checksum of UDP over IPv4 of which one byte is zero is one', () => {
  const of = (i: number) => packet({ protocol: Protocol.udp, payload: udp(Uint8Array.of(0, 0, i >> 8, i & 0xff)) });
  const first = readWord(of(0), 26);
  for (const check of [0x0012, 0x1200]) {
    // What is added to the data is taken off the checksum.
    const bytes = of((first - check + 0xffff) % 0xffff);
    assert.equal(readWord(bytes, 26), check);
    parse(bytes);
    rewriteAddress(bytes, view, view.sourceAt, address('100.64.0.9'));
    assert.ok(isIntact(bytes));
  }
});

test('ICMPv6 covers the addresses, ICMP does not', () => {
  const echo = Uint8Array.from([128, 0, 0, 0, 1, 2, 3, 4]);
  const six = packet({ ...v6, protocol: Protocol.icmp6, payload: echo });
  parse(six);
  const before = readWord(six, view.payloadAt + 2);
  rewriteAddress(six, view, view.sourceAt, address('2001:db8::99'));
  assert.notEqual(readWord(six, view.payloadAt + 2), before);
  assert.ok(isIntact(six));
  const four = packet({ protocol: Protocol.icmp, payload: echo });
  parse(four);
  const payload = four.slice(20);
  rewriteAddress(four, view, view.sourceAt, address('100.64.0.9'));
  assert.deepEqual(four.subarray(20), payload);
});

test('a checksum of UDP that comes out as zero is sent as all ones', () => {
  const bytes = packet({ ...v6, protocol: Protocol.udp, payload: udp(new Uint8Array(2)) });
  parse(bytes);
  // The address takes on what the checksum says: then nothing is left of it.
  const fresh = bytes.slice(view.sourceAt, view.sourceAt + 16);
  const sum = readWord(fresh, 14) + readWord(bytes, view.payloadAt + 6);
  const folded = (sum & 0xffff) + (sum >>> 16);
  fresh.set([folded >>> 8, folded & 0xff], 14);
  rewriteAddress(bytes, view, view.sourceAt, fresh);
  assert.equal(readWord(bytes, view.payloadAt + 6), 0xffff);
});

test('options are read over until the segment size, and no further than they go', () => {
  const clamped = (options: readonly number[], flags = 0x02, mtu = 1280): boolean => {
    const bytes = packet({ ...v6, payload: tcp({ flags, options: [...options] }) });
    parse(bytes);
    return clampMss(bytes, view, mtu);
  };
  const mss = [2, 4, 0xff, 0xff];
  assert.ok(clamped(mss));
  assert.ok(clamped([1, 1, 1, 1, ...mss]));
  assert.ok(clamped([3, 3, 7, 1, ...mss]), 'window scale before it');
  assert.ok(clamped([4, 2, ...mss, 1, 1]), 'SACK permitted before it');
  for (const options of [
    [0, 0, 0, 0, ...mss],
    [0, 4, 0, 0, ...mss],
    [3, 0, 1, 1, ...mss],
    [3, 1, 1, 1, ...mss],
    [3, 40, 1, 1, ...mss],
    [2, 3, 0xff, 1],
    [1, 1, 1, 2],
    [1, 1, 1, 1],
    [],
  ]) {
    assert.ok(!clamped(options), options.join(' '));
  }
  assert.ok(clamped(mss, 0x12), 'SYN and ACK');
  assert.ok(!clamped(mss, 0x10), 'no SYN');
  assert.ok(!clamped(mss, 0xfd), 'all but SYN');
});

test('a later fragment has only its header checksum changed', () => {
  const bytes = packet({ fragmentField: 0x0010, payload: new Uint8Array(40).fill(9) });
  parse(bytes);
  rewriteAddress(bytes, view, view.sourceAt, address('100.64.0.9'));
  parse(bytes);
  assert.deepEqual(bytes.subarray(20), new Uint8Array(40).fill(9));
});

test('the hop limit goes down to one and no further', () => {
  for (const base of [{}, v6]) {
    const bytes = packet({ ...base, hopLimit: 2 });
    parse(bytes);
    assert.equal(decrementHopLimit(bytes, view), true);
    assert.ok(isIntact(bytes));
    assert.equal(bytes[view.hopLimitAt], 1);
    assert.equal(decrementHopLimit(bytes, view), false);
    assert.equal(bytes[view.hopLimitAt], 1);
  }
  const zero = packet({ hopLimit: 0 });
  parse(zero);
  assert.equal(decrementHopLimit(zero, view), false);
});

test('the MSS of a SYN is lowered, at even and odd offsets, and never raised', () => {
  const mss = (value: number): number[] => [2, 4, value >> 8, value & 0xff];
  for (const [base, overhead] of [
    [{}, 40],
    [v6, 60],
  ] as const) {
    for (const options of [1460, 65_495].flatMap((most) => [
      mss(most),
      [1, ...mss(most), 1],
      [1, 1, ...mss(most)],
      [3, 3, 7, ...mss(most)],
    ])) {
      const bytes = packet({ ...base, payload: tcp({ flags: 0x02, options }) });
      parse(bytes);
      assert.equal(clampMss(bytes, view, 1400), true);
      assert.ok(isIntact(bytes), `options ${options}`);
      const at = view.payloadAt + 20 + options.indexOf(2) + 2;
      assert.equal(readWord(bytes, at), 1400 - overhead);
      assert.equal(clampMss(bytes, view, 1400), false, 'already low enough');
    }
  }
});

test('only a SYN is clamped, and broken options are left alone', () => {
  const cases = [
    tcp({ flags: 0x10, options: [2, 4, 5, 180] }),
    tcp({ flags: 0x02, options: [3, 0, 5, 180] }),
    tcp({ flags: 0x02, options: [0, 2, 4, 5, 180] }),
    tcp({ flags: 0x02, options: [1, 1, 1, 2] }),
    tcp({ flags: 0x02, options: [2, 9, 5, 180] }),
  ];
  for (const payload of cases) {
    const bytes = packet({ payload });
    const before = bytes.slice();
    parse(bytes);
    assert.equal(clampMss(bytes, view, 1000), false);
    assert.deepEqual(bytes, before);
  }
});

test('what only looks like a SYN is not clamped: another protocol, a later fragment, options behind the end', () => {
  const syn = tcp({ flags: 0x02, options: [1, 1, 1, 1, 2, 4, 0xff, 0xff] });
  const untouched = (bytes: Uint8Array, end = bytes.length): void => {
    assert.equal(view.parse(bytes, 0, end), IpFault.none);
    const before = bytes.slice();
    assert.equal(clampMss(bytes, view, 1000), false);
    assert.deepEqual(bytes, before);
  };
  for (const protocol of [Protocol.udp, 132]) untouched(packet({ ...v6, protocol, payload: syn }));
  untouched(packet({ fragmentField: 0x0010, payload: syn }));
  untouched(
    packet({ ...v6, payload: tcp({ flags: 0x02, options: [1, 2, 4, 0xff], data: Uint8Array.of(0xff, 0xff) }) }),
  );
  // Up to the first options; the buffer goes on with the segment size.
  for (const length of [0, 13, 14, 19, 20, 24]) {
    const cut = packet({ ...v6, payload: syn.subarray(0, length) });
    cut.set(syn.subarray(0, length), 40);
    untouched(Uint8Array.from([...cut, ...syn.subarray(length)]), cut.length);
  }
  const first = packet({ fragmentField: 0x2000, payload: syn });
  parse(first);
  assert.equal(clampMss(first, view, 1000), true, 'a first fragment');
});

test('any TCP bytes survive clamping and rewriting', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(6, 17, 58, 1), (payload, protocol) => {
      const bytes = packet({ ...v6, protocol, payload });
      parse(bytes);
      clampMss(bytes, view, 1300);
      rewriteAddress(bytes, view, view.sourceAt, address('2001:db8::99'));
      assert.equal(bytes.length, 40 + payload.length);
    }),
    { numRuns: 2000 },
  );
});
