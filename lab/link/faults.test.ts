import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from './faults.ts';

const IP_BYTES = 20;
const HEADERS_BYTES = 28;

/** Repeatable (Numerical Recipes' generator). */
const random = () => {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** IPv4 and UDP, the checksum right, with this payload. */
const datagram = (payload: Uint8Array): Uint8Array => {
  const packet = new Uint8Array(HEADERS_BYTES + payload.length);
  packet.set([0x45], 0);
  packet[9] = 17;
  packet.set([192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 2], 12);
  packet.set([(payload.length + 8) >> 8, (payload.length + 8) & 255], 24);
  packet.set(payload, HEADERS_BYTES);
  const sum = checksum(packet);
  packet.set([sum >> 8, sum & 255], 26);
  return packet;
};

/** With the pseudo-header (RFC 768); 0 over one that is right. */
const checksum = (packet: Uint8Array): number => {
  let sum = 17 + packet.length - IP_BYTES;
  for (let i = 12; i < packet.length; i += 2) sum += ((packet[i] as number) << 8) | (packet[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
};

const PAYLOAD = new Uint8Array(1200).fill(0x40);

test('UDP packets vanish by their place; what is no UDP has none', () => {
  const faults = new Faults(random());
  const other = datagram(PAYLOAD);
  other[9] = 1;
  const seen = [other, ...Array.from({ length: 4 }, () => datagram(PAYLOAD))];
  const gone = seen.map((packet) => faults.drops(packet, { dropNth: [2, 4] }));
  assert.deepEqual(gone, [false, false, true, false, true]);
  assert.equal(faults.dropped, 2);
});

test('no more in a row vanish than the burst allows, and about the share does', () => {
  const faults = new Faults(random());
  const gone = Array.from({ length: 5000 }, () => faults.drops(datagram(PAYLOAD), { drop: 0.3, burst: 3 }));
  const rows = gone.map(Number).join('').split('0');
  assert.equal(Math.max(...rows.map(({ length }) => length)), 3);
  assert.ok(Math.abs(faults.dropped / gone.length - 0.3) < 0.02, `${faults.dropped}`);
  const all = new Faults(random());
  assert.ok(Array.from({ length: 100 }, () => all.drops(datagram(PAYLOAD), { drop: 1 })).every(Boolean));
});

test('one byte near the beginning of a payload is changed, its checksum still right', () => {
  const faults = new Faults(random());
  const places = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const packet = datagram(PAYLOAD);
    faults.corrupts(packet, { corrupt: 1 });
    assert.equal(checksum(packet), 0);
    const changed = [...packet.subarray(HEADERS_BYTES).entries()].filter(([, byte]) => byte !== 0x40);
    assert.equal(changed.length, 1);
    places.add(changed[0]?.[0] as number);
  }
  assert.deepEqual([Math.min(...places), Math.max(...places), faults.corrupted], [0, 50, 1000]);
});

test('Version Negotiation, which nothing protects, is not changed; tiny payloads do no harm', () => {
  const faults = new Faults(random());
  const negotiation = datagram(Uint8Array.of(0x80, 0, 0, 0, 0, 8, 1, 2));
  const before = negotiation.slice();
  for (let i = 0; i < 20; i++) faults.corrupts(negotiation, { corrupt: 1 });
  assert.deepEqual(negotiation, before);
  for (const bytes of [0, 1, 2, 3]) faults.corrupts(datagram(PAYLOAD.subarray(0, bytes)), { corrupt: 1 });
});
