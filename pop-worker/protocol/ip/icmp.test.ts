import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum, readWord } from './checksum.ts';
import { IcmpError, MAX_ICMP_ERROR_BYTES, writeIcmpError } from './icmp.ts';
import { address, isIntact, packet } from './testing/packets.ts';
import { formatIpAddress } from './text.ts';
import { IpFault, IpView, Protocol } from './view.ts';

const v6 = { source: '2001:db8::2', destination: '2001:db8:f::10' } as const;

const report = (error: IcmpError, about: Uint8Array, mtu = 0): Uint8Array => {
  const view = new IpView();
  // Among other bytes, as it lies in a batch.
  const lies = new Uint8Array(5 + about.length + 9).fill(0x08);
  lies.set(about, 5);
  assert.equal(view.parse(lies, 5, 5 + about.length), IpFault.none);
  const out = new Uint8Array(MAX_ICMP_ERROR_BYTES + 3).fill(0xaa);
  const from = address(view.version === 4 ? '192.0.2.1' : '2001:db8:a::1');
  const bytes = writeIcmpError(error, lies, view, from, mtu, out, 3);
  assert.ok(out.subarray(3 + bytes).every((byte) => byte === 0xaa));
  return out.slice(3, 3 + bytes);
};

test('Packet Too Big goes to the source, names the MTU and quotes the packet', () => {
  for (const [base, quoteAt, limit] of [
    [{}, 28, 576],
    [v6, 48, 1280],
  ] as const) {
    const about = packet({ ...base, payload: new Uint8Array(1400).fill(5), protocol: 99 });
    const error = report(IcmpError.packetTooBig, about, 1300);
    const view = new IpView();
    assert.equal(view.parse(error, 0, error.length), IpFault.none);
    assert.equal(error.length, limit);
    assert.equal(view.protocol, view.version === 4 ? Protocol.icmp : Protocol.icmp6);
    assert.equal(error[view.hopLimitAt], 64);
    const from = error.subarray(view.sourceAt, view.sourceAt + view.addressBytes);
    assert.equal(formatIpAddress(from), view.version === 4 ? '192.0.2.1' : '2001:db8:a::1');
    // RFC 1812 §4.3.2.5: precedence 6; traffic class and flow label of an IPv6 error are zero.
    assert.deepEqual([...error.subarray(0, 2)], view.version === 4 ? [0x45, 0xc0] : [0x60, 0]);
    // Destination unreachable, fragmentation needed (RFC 1191 §4); Packet Too Big (RFC 4443 §3.2).
    assert.deepEqual([...error.subarray(view.payloadAt, view.payloadAt + 2)], view.version === 4 ? [3, 4] : [2, 0]);
    assert.equal(readWord(error, view.payloadAt + 4), 0);
    assert.equal(readWord(error, view.payloadAt + 6), 1300);
    const to = error.subarray(view.destinationAt, view.destinationAt + view.addressBytes);
    assert.equal(formatIpAddress(to), 'source' in base ? base.source : '10.64.0.2');
    assert.deepEqual(error.subarray(quoteAt), about.subarray(0, limit - quoteAt));
    const short = packet({ ...base, payload: new Uint8Array(9).fill(5), protocol: 99 });
    assert.deepEqual(report(IcmpError.packetTooBig, short, 1300).subarray(quoteAt), short);
    if (view.version === 6) assert.ok(isIntact(error));
    else assert.equal(checksum(error, 20, error.length), 0);
  }
});

test('queries are answered with errors, errors are not; sources and destinations are single hosts', () => {
  const isReported = (about: Uint8Array): boolean => report(IcmpError.noRoute, about).length > 0;
  const message = (type: number, base: object, protocol: number) =>
    packet({ ...base, protocol, payload: Uint8Array.from([type, 0, 0, 0, 0, 0, 0, 0]) });
  for (let type = 0; type < 256; type++) {
    assert.equal(isReported(message(type, {}, Protocol.icmp)), [0, 8, 13, 14].includes(type), `ICMP ${type}`);
    assert.equal(isReported(message(type, v6, Protocol.icmp6)), type >= 128, `ICMPv6 ${type}`);
  }
  // What lies behind a message that is cut off before its type is none of it.
  assert.equal(isReported(packet({ protocol: Protocol.icmp, payload: new Uint8Array(0) })), false);
  for (const [host, isHost] of [
    ['0.0.0.1', false],
    ['1.0.0.1', true],
    ['126.0.0.1', true],
    ['127.0.0.1', false],
    ['128.0.0.1', true],
    ['223.255.255.254', true],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
  ] as const) {
    assert.equal(isReported(packet({ source: host })), isHost, host);
  }
  assert.equal(isReported(packet({ destination: '223.255.255.254' })), true);
  assert.equal(isReported(packet({ destination: '224.0.0.1' })), false);
  for (const host of ['::1:0', '::2', '2000::', 'fe80::1', 'fd00::1']) {
    assert.equal(isReported(packet({ ...v6, source: host })), true, host);
    assert.equal(isReported(packet({ ...v6, destination: host })), true, host);
  }
  assert.equal(isReported(packet({ ...v6, source: 'ff02::1' })), false);
});

test('types and codes of both versions', () => {
  const codes = (error: IcmpError, base: object): number[] => {
    const bytes = report(error, packet(base));
    const at = 'source' in base ? 40 : 20;
    // RFC 792, RFC 4443 §3.1, §3.3: what they do not use is zero.
    assert.deepEqual([...bytes.subarray(at + 4, at + 8)], [0, 0, 0, 0]);
    return [bytes[at] as number, bytes[at + 1] as number];
  };
  assert.deepEqual(codes(IcmpError.hopLimitExceeded, {}), [11, 0]);
  assert.deepEqual(codes(IcmpError.hopLimitExceeded, v6), [3, 0]);
  assert.deepEqual(codes(IcmpError.noRoute, {}), [3, 0]);
  assert.deepEqual(codes(IcmpError.noRoute, v6), [1, 0]);
  assert.deepEqual(codes(IcmpError.prohibited, {}), [3, 13]);
  assert.deepEqual(codes(IcmpError.prohibited, v6), [1, 1]);
});

test('nothing is reported about errors, later fragments, multicast or unspecified hosts', () => {
  const silent = [
    packet({ protocol: Protocol.icmp, payload: Uint8Array.from([3, 1, 0, 0, 0, 0, 0, 0]) }),
    packet({ ...v6, protocol: Protocol.icmp6, payload: Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]) }),
    packet({ fragmentField: 0x0004 }),
    packet({ destination: '224.0.0.5' }),
    packet({ source: '127.0.0.1' }),
    packet({ source: '::', destination: '2001:db8::1' }),
    packet({ source: '2001:db8::1', destination: 'ff02::1' }),
  ];
  for (const about of silent) assert.equal(report(IcmpError.noRoute, about).length, 0);
  const echo = packet({ protocol: Protocol.icmp, payload: Uint8Array.from([8, 0, 0, 0, 0, 0, 0, 0]) });
  assert.ok(report(IcmpError.noRoute, echo).length > 0);
});
