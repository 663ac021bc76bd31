import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes } from '#protocol/http3/testing/raw.ts';
import { inUse } from '#protocol/quic/testing/heap.ts';
import { openTcpTunnel, type TcpTunnel } from './connect-tcp.ts';
import { connect } from './testing/tunnel-pair.ts';

test('CONNECT: bytes both ways, half-closed, over', () => {
  const { pair, c, client, server } = connect({ piece: 4 });
  const tunnel = openTcpTunnel(c, '[2001:db8::1]:22', client) as TcpTunnel;
  pair.run();
  assert.deepEqual(server.wanted, ['tcp 2001:db8::1 22']);
  const proxy = server.tunnel as unknown as TcpTunnel;
  assert.equal(proxy.write(bytes('x')), false);
  proxy.accept();
  pair.run();
  assert.equal(tunnel.write(bytes('hello')) && proxy.write(bytes('welcome')), true);
  tunnel.finish();
  pair.run();
  assert.equal(server.received, 'hello');
  assert.deepEqual(server.events, ['finished']);
  assert.equal(proxy.write(bytes(' back')), true, 'the other direction goes on');
  proxy.finish();
  pair.run();
  assert.equal(client.received, 'welcome back');
  assert.deepEqual(client.events, ['opened 200', 'finished', 'closed']);
  assert.deepEqual(server.events, ['finished', 'closed']);
  assert.equal(client.closedWith ?? server.closedWith, undefined, 'clean on both sides');
  assert.equal(c.openRequests, 0);
});

test('CONNECT: refused, failed, cancelled (RFC 9114 §4.4)', () => {
  const refused = connect();
  openTcpTunnel(refused.c, 'a.example:25', refused.client);
  refused.pair.run();
  refused.server.tunnel?.refuse('cb', { error: 'connection_refused' });
  refused.pair.run();
  assert.deepEqual(refused.client.events, ['refused 502 connection_refused', 'closed']);

  const failed = connect();
  openTcpTunnel(failed.c, 'a.example:25', failed.client);
  failed.pair.run();
  (failed.server.tunnel as unknown as TcpTunnel).accept();
  failed.pair.run();
  (failed.server.tunnel as unknown as TcpTunnel).fail('RST');
  failed.pair.run();
  assert.equal(failed.client.closedWith?.code, 0x10f);
  assert.equal(failed.c.openRequests, 0);

  const cancelled = connect();
  const tunnel = openTcpTunnel(cancelled.c, 'a.example:25', cancelled.client) as TcpTunnel;
  cancelled.pair.run();
  tunnel.fail('no longer wanted', 0x10c);
  cancelled.pair.run();
  assert.equal(cancelled.server.closedWith?.code, 0x10c);
  assert.deepEqual(cancelled.server.events, ['closed']);
});

test('CONNECT: what comes before the answer is kept without its frames, 16 KiB at most', () => {
  const { pair, c, client, server } = connect({ piece: 1 });
  const tunnel = openTcpTunnel(c, 'a.example:22', client) as TcpTunnel;
  pair.run();
  const early = 'early'.repeat(3276);
  const before = inUse();
  // A client may send before it is answered, here a byte a frame.
  for (const byte of bytes(early)) c.sendBody(tunnel.stream, Uint8Array.of(byte), false);
  pair.run();
  const held = inUse() - before;
  assert.ok(held < 500_000, `${held} bytes held`);
  const proxy = server.tunnel as unknown as TcpTunnel;
  proxy.accept();
  pair.run();
  assert.equal(server.received, early);
  const greedy = openTcpTunnel(c, 'a.example:22', client) as TcpTunnel;
  pair.run();
  c.sendBody(greedy.stream, new Uint8Array(16_385), false);
  pair.run();
  assert.equal(client.closedWith?.code, 0x107);
});
