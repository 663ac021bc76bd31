import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { allocateExchange, Exchange } from './exchange.ts';
import type { EchoSetup } from './testing/echo.ts';

const HEADROOM = 64;

test('two threads hand each other bursts; none is lost, changed or overtaken, and sleepers are woken', {
  timeout: 30_000,
}, async () => {
  const memory = allocateExchange(2);
  const echo = new Worker(new URL('testing/echo.ts', import.meta.url), {
    workerData: { memory, thread: 1, headroom: HEADROOM } satisfies EchoSetup,
  });
  await once(echo, 'message');
  const exchange = new Exchange(memory, 0, HEADROOM);
  let [received, done] = [0, () => {}];
  exchange.listen({
    take(kind, meta, buffer, start, end) {
      assert.equal(start, HEADROOM);
      assert.equal(kind, (['datagram', 'outside', 'inner'] as const)[received % 3]);
      assert.equal(meta[0], received);
      assert.equal(end - start, received % 1400);
      for (let at = start; at < end; at += 101) assert.equal(buffer[at], received & 0xff);
      received++;
    },
    taken: () => done(),
  });
  const bytes = new Uint8Array(1400);
  let sent = 0;
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 1 + (round % 40); i++) {
      exchange.meta[0] = sent;
      bytes.fill(sent & 0xff);
      assert.ok(
        exchange.send(1, (['datagram', 'outside', 'inner'] as const)[sent % 3] as 'inner', bytes, 0, sent % 1400),
      );
      sent++;
    }
    exchange.flush();
    while (received < sent) {
      await new Promise<void>((resolve) => {
        done = resolve;
      });
    }
  }
  assert.equal(sent, received);
  assert.ok(exchange.bells > 0 && exchange.bells <= 200, `a burst wakes once: ${exchange.bells}`);
  exchange.close();
  echo.postMessage('close');
  assert.deepEqual(await once(echo, 'exit'), [0], 'a closed exchange keeps no thread');
});

test('what finds no room is dropped and counted by its kind', () => {
  const exchange = new Exchange(allocateExchange(2), 0, 0);
  const bytes = new Uint8Array(60_000);
  let sent = 0;
  while (exchange.send(1, 'outside', bytes, 0, bytes.length)) sent++;
  assert.ok(sent > 10);
  assert.equal(exchange.send(1, 'inner', bytes, 0, bytes.length), false);
  assert.deepEqual(exchange.sent, { datagram: 0, outside: sent, inner: 0, nat: 0, filters: 0 });
  assert.deepEqual(exchange.dropped, { datagram: 0, outside: 1, inner: 1, nat: 0, filters: 0 });
});

test('nothing goes to a thread that is not there, or to oneself', () => {
  const exchange = new Exchange(allocateExchange(2), 0, 0);
  for (const thread of [0, 2, -1]) assert.equal(exchange.send(thread, 'inner', new Uint8Array(1), 0, 1), false);
  assert.equal(exchange.dropped.inner, 3);
});
