import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BASE_DATAGRAM_BYTES, Mtu, type MtuOptions } from './mtu.ts';

const MINUTE = 60_000_000;

function started(options: MtuOptions = {}): Mtu {
  const mtu = new Mtu(options);
  mtu.start(0);
  return mtu;
}

/** Probes until the search ends over a path that passes datagrams up to a size. @returns sizes in order */
function search(mtu: Mtu, pathBytes: number, now = 0): number[] {
  const sizes: number[] = [];
  for (let size = mtu.nextProbe(now); size > 0; size = mtu.nextProbe(now)) {
    sizes.push(size);
    assert.ok(sizes.length < 200, 'the search ends');
    mtu.onProbeSent(now, size);
    if (size <= pathBytes) mtu.onProbeAcked(size);
    else mtu.onProbeLost(size);
  }
  return sizes;
}

test('RFC 9000 §14.3.1: no probe before the handshake is complete', () => {
  const mtu = new Mtu();
  assert.equal(mtu.nextProbe(MINUTE), 0);
  mtu.start(MINUTE);
  assert.equal(mtu.nextProbe(MINUTE), 1331);
});

test('first what an inner 1280-byte packet needs, then Ethernet', () => {
  assert.deepEqual(search(started({ cap: 1472 }), 1472), [1331, 1452, 1472]);
  assert.deepEqual(search(started({ cap: 1452 }), 1452), [1331, 1452]);
});

test('one probe at a time', () => {
  const mtu = started();
  mtu.onProbeSent(0, mtu.nextProbe(0));
  assert.equal(mtu.nextProbe(0), 0);
});

test('RFC 8899 §5.1.2: a size fails after three losses, then the search halves', () => {
  const mtu = started({ cap: 1472 });
  const sizes = search(mtu, 1400);
  assert.deepEqual(sizes.slice(0, 4), [1331, 1452, 1452, 1452]);
  assert.equal(sizes[4], 1391);
  assert.ok(mtu.datagramBytes > 1384 && mtu.datagramBytes <= 1400);
});

test('larger links are found too, up to what the peer takes', () => {
  const mtu = started({ cap: 8952 });
  assert.deepEqual(search(mtu, 9000), [1331, 1452, 1472, 4052, 8952]);
  assert.equal(mtu.datagramBytes, 8952);
  const limited = started({ cap: 8952 });
  limited.setPeerLimit(1350);
  assert.deepEqual(search(limited, 9000), [1331, 1350]);
  limited.setPeerLimit(1300);
  assert.equal(limited.datagramBytes, 1300);
  assert.equal(limited.nextProbe(0), 0);
});

test('RFC 8899 §5.1.1: the search begins again after 600 seconds', () => {
  const mtu = started({ cap: 1472 });
  search(mtu, 1331);
  const found = mtu.datagramBytes;
  assert.equal(mtu.nextProbe(10 * MINUTE - 1), 0);
  assert.deepEqual(search(mtu, 1472, 10 * MINUTE), [1452, 1472]);
  assert.ok(found < 1452 && mtu.datagramBytes === 1472);
});

test('RFC 8899 §4.3: losses of large packets only, again and again, are a black hole', () => {
  const mtu = started({ cap: 1472 });
  search(mtu, 1472);
  for (let i = 0; i < 3; i++) mtu.onPacketsLost(0, 1472);
  assert.equal(mtu.datagramBytes, 1472);
  mtu.onPacketsLost(0, 1472);
  assert.equal(mtu.datagramBytes, BASE_DATAGRAM_BYTES);
  assert.equal(mtu.nextProbe(MINUTE - 1), 0);
  assert.equal(mtu.nextProbe(MINUTE), 1331);
});

test('ordinary congestion is no black hole', () => {
  const mtu = started({ cap: 1472 });
  search(mtu, 1472);
  for (let i = 0; i < 20; i++) {
    mtu.onPacketsLost(0, 1472);
    mtu.onPacketAcked(1472);
    mtu.onPacketsLost(0, 300);
  }
  assert.equal(mtu.datagramBytes, 1472);
});

test('a path that swallows all large packets is left at the third probe timeout', () => {
  const mtu = started({ cap: 1472 });
  search(mtu, 1472);
  mtu.onProbeTimeout(0, 2);
  assert.equal(mtu.datagramBytes, 1472);
  mtu.onProbeTimeout(5, 3);
  assert.equal(mtu.datagramBytes, BASE_DATAGRAM_BYTES);
  assert.equal(mtu.nextProbe(5), 1331);
});

test('a size that the kernel refuses is not tried again, nor anything larger', () => {
  const mtu = started({ cap: 8952 });
  search(mtu, 1452, 0);
  const late = started({ cap: 8952 });
  const first = late.nextProbe(0);
  late.onProbeSent(0, first);
  late.onTooLarge(0, first);
  assert.ok(search(late, 9000).every((size) => size < first));
  late.onTooLarge(0, 1200);
  assert.ok(late.datagramBytes >= BASE_DATAGRAM_BYTES);
});

test('a link that became smaller is believed at once', () => {
  const mtu = started({ cap: 1472 });
  search(mtu, 1472);
  mtu.onTooLarge(7, 1421);
  assert.equal(mtu.datagramBytes, BASE_DATAGRAM_BYTES);
  assert.ok(search(mtu, 1420, 7).every((size) => size <= 1420));
  assert.ok(mtu.datagramBytes > 1400 && mtu.datagramBytes <= 1420);
});

test('a padded Initial that arrived counts', () => {
  const mtu = new Mtu({ cap: 1472 });
  mtu.confirm(1331);
  assert.equal(mtu.datagramBytes, 1331);
  mtu.start(0);
  assert.equal(mtu.nextProbe(0), 1452);
});

test('another path begins at the base', () => {
  const mtu = started({ cap: 1472 });
  search(mtu, 1472);
  mtu.reset(9, 1452);
  assert.equal(mtu.datagramBytes, BASE_DATAGRAM_BYTES);
  assert.deepEqual(search(mtu, 1500, 9), [1331, 1452]);
});

test('whatever the path, the search ends close below its MTU and never above', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1200, max: 65_527 }), fc.integer({ min: 1200, max: 65_507 }), (path, cap) => {
      const mtu = started({ cap });
      search(mtu, path);
      const best = Math.min(path, cap);
      assert.ok(mtu.datagramBytes <= best && mtu.datagramBytes > best - 16, `${mtu.datagramBytes} of ${best}`);
    }),
  );
});
