import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Halves } from './halves.ts';

const packetOf = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => i % 251);

/** What a packet of so many bytes goes as. */
const cut = (halves: Halves, bytes: number): Uint8Array[] => {
  const sent: Uint8Array[] = [];
  const packet = Uint8Array.of(255, ...packetOf(bytes), 255);
  assert.equal(
    halves.send(packet, 1, 1 + bytes, (buffer, start, end) => sent.push(buffer.slice(start, end)) > 0),
    true,
  );
  return sent;
};

/** Packets that came to be whole of what is received in this order, each from a member at a time. */
const received = (halves: Halves, parts: readonly (readonly [number, Uint8Array, number])[]): Uint8Array[] => {
  const whole: Uint8Array[] = [];
  for (const [from, part, now] of parts) {
    halves.receive(from, Uint8Array.of(9, ...part, 9), 1, 1 + part.length, now, (buffer, start, end) =>
      whole.push(buffer.slice(start, end)),
    );
  }
  return whole;
};

test('a packet that does not fit goes in two halves, which make it again in either order', () => {
  const [sender, receiver] = [new Halves(), new Halves()];
  assert.deepEqual([sender.fits(1440, 725), sender.fits(1441, 725)], [true, false]);
  assert.deepEqual([sender.fits(2048, 1472), sender.fits(2049, 1472)], [true, false]);
  for (const bytes of [2, 1401, 2048]) {
    const [first, second] = cut(sender, bytes) as [Uint8Array, Uint8Array];
    assert.deepEqual([first.length, second.length], [5 + Math.ceil(bytes / 2), 5 + Math.floor(bytes / 2)]);
    assert.deepEqual([first[0], second[0]], [3, 4]);
    for (const parts of [
      [first, second],
      [second, first],
    ])
      assert.deepEqual(
        received(
          receiver,
          parts.map((part) => [7, part, 0]),
        ),
        [packetOf(bytes)],
      );
  }
  assert.deepEqual([sender.counters.cut, receiver.counters.joined, receiver.lost], [3, 6, 0]);
});

test('halves of different packets, members or times make nothing, and are counted', () => {
  const [sender, receiver] = [new Halves(), new Halves()];
  const [a, b] = [cut(sender, 1000), cut(sender, 1000)] as [[Uint8Array, Uint8Array], [Uint8Array, Uint8Array]];
  assert.deepEqual(received(receiver, [[1, a[0], 0]]), []);
  assert.deepEqual(received(receiver, [[1, b[1], 0]]), []);
  assert.deepEqual(received(receiver, [[2, a[1], 0]]), []);
  assert.deepEqual(received(receiver, [[1, a[1], 50_000]]), [], 'it came too late');
  assert.equal(receiver.lost, 1);
  assert.equal(received(receiver, [[1, b[0], 10]]).length, 1);
});

test('a packet of which a half finds no room is not sent', () => {
  const halves = new Halves();
  let room = 1;
  assert.equal(
    halves.send(packetOf(1500), 0, 1500, () => room-- > 0),
    false,
  );
  assert.equal(halves.counters.cut, 0);
});
