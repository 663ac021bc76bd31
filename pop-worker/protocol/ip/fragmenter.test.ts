import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checksum, readWord, writeWord } from './checksum.ts';
import { Fragmenter } from './fragmenter.ts';
import { joinFragments, packet, udp } from './testing/packets.ts';
import { IpFault, IpView, Protocol } from './view.ts';

const HEADROOM = 64;

/** One for all packets, as where packets are forwarded. */
const fragmenter = new Fragmenter();

/** Fragments of a packet, each as it would have left; undefined when it may not be cut. */
const cut = (bytes: Uint8Array, mtu: number): Uint8Array[] | undefined => {
  const buffer = new Uint8Array(HEADROOM + bytes.length);
  buffer.set(bytes, HEADROOM);
  const view = new IpView();
  assert.equal(view.parse(buffer, HEADROOM, buffer.length), IpFault.none);
  if (!fragmenter.begin(buffer, view, mtu)) return undefined;
  const out: Uint8Array[] = [];
  for (let size = fragmenter.nextInPlace(); size > 0; size = fragmenter.nextInPlace())
    out.push(buffer.slice(fragmenter.start, fragmenter.start + size));
  return out;
};

const headerOf = (bytes: Uint8Array): number => ((bytes[0] as number) & 15) * 4;
const offsetOf = (bytes: Uint8Array): number => (readWord(bytes, 6) & 0x1fff) * 8;
const hasMore = (bytes: Uint8Array): boolean => (readWord(bytes, 6) & 0x2000) !== 0;

/** Gives a packet options; the header is padded to whole words. */
const withOptions = (bytes: Uint8Array, options: readonly number[]): Uint8Array => {
  const header = 20 + Math.ceil(options.length / 4) * 4;
  const out = new Uint8Array(header + bytes.length - 20);
  out.set(bytes.subarray(0, 20));
  out.set(options, 20);
  out.set(bytes.subarray(20), header);
  out[0] = 0x40 | (header / 4);
  writeWord(out, 2, out.length);
  writeWord(out, 10, 0);
  writeWord(out, 10, checksum(out, 0, header));
  return out;
};

const large = (bytes: number, fragmentField = 0): Uint8Array =>
  packet({
    protocol: Protocol.udp,
    id: 77,
    fragmentField,
    payload: udp(Uint8Array.from({ length: bytes }, (_, i) => i)),
  });

test('fragments fit, are put together again, and say which packet they are of (RFC 791 §3.2)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 28, max: 1500 }), (bytes, mtu) => {
      const whole = large(bytes);
      const fragments = cut(whole, mtu) ?? [];
      assert.deepEqual(joinFragments(fragments), whole.slice(20));
      for (const [i, fragment] of fragments.entries()) {
        const isLast = i === fragments.length - 1;
        assert.ok(fragment.length <= mtu);
        assert.equal(readWord(fragment, 2), fragment.length);
        assert.equal(checksum(fragment, 0, 20), 0);
        assert.equal(hasMore(fragment), !isLast);
        assert.deepEqual([readWord(fragment, 4), fragment[8], fragment[9]], [77, 64, Protocol.udp]);
        // As few as can be: each but the last is as full as units of 8 bytes let it be.
        if (!isLast) assert.ok(fragment.length > mtu - 8 && (fragment.length - 20) % 8 === 0);
      }
    }),
  );
});

test('a fragment is cut into fragments of the same packet', () => {
  const middle = cut(large(1000, 0x2000 | 50), 600) ?? [];
  assert.deepEqual(
    middle.map((each) => [offsetOf(each), hasMore(each)]),
    [
      [400, true],
      [976, true],
    ],
  );
  assert.deepEqual((cut(large(1000, 0x2000 | 51), 600) ?? []).map(offsetOf), [408, 984]);
  const last = cut(large(1000, 50), 600) ?? [];
  assert.deepEqual(last.map(hasMore), [true, false]);
});

test('what must not be fragmented is not: DF, IPv6, no room for a unit', () => {
  assert.equal(cut(large(1000, 0x4000), 600), undefined);
  assert.equal(cut(packet({ source: 'fd00::1', destination: 'fd00::2' }), 40), undefined);
  assert.equal(cut(large(1000), 27), undefined);
});

test('options go into every fragment if they say so, else into the first', () => {
  const recordRoute = [7, 7, 4, 0, 0, 0, 0];
  const routerAlert = [0x94, 4, 0, 0];
  const [first, second, third] = cut(withOptions(large(1000), [...recordRoute, 1, ...routerAlert]), 500) ?? [];
  assert.ok(first && second && third);
  assert.deepEqual([...first.subarray(20, headerOf(first))], [...recordRoute, 1, ...routerAlert]);
  for (const later of [second, third]) {
    assert.deepEqual([...later.subarray(20, headerOf(later))], routerAlert);
    assert.equal(checksum(later, 0, headerOf(later)), 0);
  }
  assert.deepEqual(joinFragments([first, second, third]), large(1000).slice(20));
});

test('a packet that fits stays whole, also where that is no whole unit', () => {
  for (let mtu = 600; mtu < 609; mtu++) {
    const whole = large(mtu - 28);
    assert.deepEqual(cut(whole, mtu), [whole]);
    assert.equal(cut(whole, mtu - 1)?.length, 2);
  }
});

test('copied options are padded with zeros, and end with the list or at the first that is malformed', () => {
  for (const [options, copied] of [
    [
      [0x83, 3, 9],
      [0x83, 3, 9, 0],
    ],
    [
      [0x82, 2],
      [0x82, 2, 0, 0],
    ],
    [
      [1, 1, 1, 0x83, 3, 9, 1, 1],
      [0x83, 3, 9, 0],
    ],
    [[0, 4, 0, 0, 0x94, 4, 0, 0], []],
    [[0x94, 0, 0x94, 4, 0, 0], []],
    [[0x94, 1, 0x94, 4, 0, 0], []],
    [[0x94, 9, 1, 1, 1, 1, 1, 1], []],
    [
      [0x94, 8, 1, 1, 1, 1, 1, 1],
      [0x94, 8, 1, 1, 1, 1, 1, 1],
    ],
    [
      [0x94, 4, 0, 0, 7, 1, 0x94, 4, 0, 0, 0, 0],
      [0x94, 4, 0, 0],
    ],
  ] as const) {
    const [, later] = cut(withOptions(large(1000), options), 600) ?? [];
    assert.ok(later);
    assert.deepEqual([...later.subarray(20, headerOf(later))], copied, options.join(' '));
  }
});

test('as many options as there can be go into every fragment', () => {
  const options = [0x82, 40, ...Array.from({ length: 38 }, (_, i) => i + 1)];
  const fragments = cut(withOptions(large(1000), options), 500) ?? [];
  assert.equal(fragments.length, 3);
  for (const fragment of fragments) assert.deepEqual([...fragment.subarray(20, headerOf(fragment))], options);
});

test('whatever options say, fragments are packets', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 40 }), (options) => {
      const whole = withOptions(large(900), options);
      const fragments = cut(whole, 300) ?? [];
      assert.deepEqual(joinFragments(fragments), whole.slice(headerOf(whole)));
      const view = new IpView();
      for (const fragment of fragments) assert.equal(view.parse(fragment, 0, fragment.length), IpFault.none);
    }),
  );
});
