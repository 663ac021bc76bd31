import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packet, tcp } from './testing/packets.ts';
import { Fragment, IpFault, IpView, MAX_EXTENSION_HEADERS, Protocol } from './view.ts';

const view = new IpView();
const fault = (bytes: Uint8Array): IpFault => view.parse(bytes, 0, bytes.length);
const v6 = { source: '2001:db8::2', destination: '2001:db8:f::10' } as const;

test('an IPv4 packet in the middle of a buffer', () => {
  const bytes = packet();
  const buffer = new Uint8Array(200).fill(0xee);
  buffer.set(bytes, 33);
  assert.equal(view.parse(buffer, 33, 33 + bytes.length), IpFault.none);
  assert.equal(view.version, 4);
  assert.equal(view.sourceAt, 33 + 12);
  assert.equal(view.protocol, Protocol.tcp);
  assert.equal(view.payloadAt, 33 + 20);
});

test('every prefix and every longer range of a packet is refused', () => {
  for (const bytes of [packet(), packet(v6)]) {
    for (let end = 0; end < bytes.length; end++) assert.notEqual(fault(bytes.subarray(0, end)), IpFault.none);
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    assert.equal(fault(longer), IpFault.totalLength);
  }
});

test('what is too short for any header is truncated, whatever it says and lies behind it', () => {
  const buffer = new Uint8Array(60).fill(0x55);
  for (const first of [0x45, 0x44, 0x55, 0x60]) {
    buffer[33] = first;
    for (const bytes of [0, 1, 19]) assert.equal(view.parse(buffer, 33, 33 + bytes), IpFault.truncated);
  }
});

test('protocols have the numbers that IANA gave them', () => {
  assert.deepEqual(Protocol, {
    hopByHop: 0,
    icmp: 1,
    tcp: 6,
    udp: 17,
    routing: 43,
    fragment: 44,
    icmp6: 58,
    options: 60,
  });
});

test('header faults have their own names', () => {
  const change = (at: number, value: number): Uint8Array => {
    const bytes = packet();
    bytes[at] = value;
    return bytes;
  };
  assert.equal(fault(change(0, 0x55)), IpFault.version);
  assert.equal(fault(change(0, 0x44)), IpFault.headerLength);
  assert.equal(fault(change(0, 0x4f)), IpFault.truncated);
  assert.equal(fault(change(8, 63)), IpFault.headerChecksum);
});

test('fragments are told apart', () => {
  const of = (field: number): Fragment => {
    assert.equal(fault(packet({ fragmentField: field })), IpFault.none);
    return view.fragment;
  };
  assert.equal(of(0x4000), Fragment.none);
  assert.equal(view.dontFragment, true);
  assert.equal(of(0x2000), Fragment.first);
  assert.equal(of(0x2001), Fragment.later);
  assert.equal(of(0x0001), Fragment.later);
  assert.equal(view.dontFragment, false);
});

const extension = (next: number, words = 0): number[] => [next, words, 1, ...new Array(5 + words * 8).fill(0)];

test('IPv6 extension headers are walked to the upper layer', () => {
  const payload = Uint8Array.from([...extension(60), ...extension(43, 1), ...extension(6), ...tcp({})]);
  assert.equal(fault(packet({ ...v6, protocol: 0, payload })), IpFault.none);
  assert.equal(view.protocol, Protocol.tcp);
  assert.equal(view.payloadAt, 40 + 8 + 16 + 8);
  // RFC 8200 §5: only its source may fragment it.
  assert.equal(view.dontFragment, true);
});

test('IPv6 fragments, chains without end and refused headers', () => {
  const chain = (...parts: number[][]): Uint8Array =>
    packet({ ...v6, protocol: 60, payload: Uint8Array.from(parts.flat()) });
  const options = new Array(MAX_EXTENSION_HEADERS).fill(extension(60)) as number[][];
  assert.equal(fault(chain(...options, extension(6))), IpFault.extensionHeader);
  assert.equal(fault(chain(extension(0), extension(6))), IpFault.extensionHeader, 'hop-by-hop not first');
  assert.equal(fault(chain(extension(43), [6, 0, 0, 0, 0, 0, 0, 0])), IpFault.extensionHeader, 'routing type 0');
  assert.equal(fault(chain([6, 9, 0, 0, 0, 0, 0, 0])), IpFault.extensionHeader, 'longer than the packet');
  assert.equal(fault(chain(extension(44), [17, 0, 0, 1, 0, 0, 0, 1])), IpFault.none);
  assert.equal(view.fragment, Fragment.first);
  // RFC 8200 §4.5: the reserved byte and the two reserved bits mean nothing.
  assert.equal(fault(chain(extension(44), [17, 9, 0, 7, 0, 0, 0, 1])), IpFault.none);
  assert.deepEqual([view.fragment, view.payloadAt], [Fragment.first, 40 + 16]);
  assert.equal(fault(chain(extension(44), [17, 0, 0, 9, 0, 0, 0, 1], [1, 2, 3])), IpFault.none);
  assert.equal(view.fragment, Fragment.later);
});

test('any bytes give a fault or offsets inside of the packet', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const likely = fc.tuple(fc.constantFrom(0x45, 0x46, 0x60), bytes).map(([first, rest]) => {
    const out = Uint8Array.from([first, ...rest]);
    if (first === 0x60 && out.length >= 40) out.set([0, out.length - 40], 4);
    return out;
  });
  fc.assert(
    fc.property(fc.oneof(bytes, likely), (input) => {
      if (fault(input) !== IpFault.none) return;
      assert.ok(view.payloadAt <= input.length && view.destinationAt + view.addressBytes <= view.payloadAt);
    }),
    { numRuns: 3000 },
  );
});
