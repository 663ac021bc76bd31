import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { KeptTls, MOST_KEPT } from './kept-tls.ts';

const connection = () => {
  const said: (Uint8Array | undefined)[] = [];
  return { said, quic: { lastTicket: (data: Uint8Array | undefined) => said.push(data) } as unknown as QuicConnection };
};

test('TLS is kept for five seconds for a ticket, which is given once', () => {
  const kept = new KeptTls();
  const [gets, late, gone] = [connection(), connection(), connection()];
  for (const { quic } of [gets, late, gone]) kept.keep(quic, 10);
  assert.equal(kept.give(gets.quic, Uint8Array.of(1)), true);
  assert.equal(kept.give(gets.quic, Uint8Array.of(2)), false);
  kept.closed(gone.quic);
  kept.tick(14.9);
  assert.equal(kept.size, 1);
  kept.tick(15);
  assert.equal(kept.give(late.quic, Uint8Array.of(1)), false);
  assert.deepEqual([gets.said, late.said, gone.said], [[Uint8Array.of(1)], [undefined], []]);
  assert.equal(kept.size, 0);
});

test('of more than 1,024 the oldest is let go', () => {
  const kept = new KeptTls();
  const all = Array.from({ length: MOST_KEPT + 2 }, connection);
  for (const { quic } of all) kept.keep(quic, 10);
  assert.equal(kept.size, MOST_KEPT);
  assert.deepEqual(
    all.map(({ said }) => said.length),
    [1, 1, ...new Array<number>(MOST_KEPT).fill(0)],
  );
});
