import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MOST_UDP_BYTES } from '#protocol/dns/numbers.ts';
import { readResponse } from '#protocol/dns/testing/message.ts';
import { DESCRIPTION } from '#protocol/dns/testing/zone.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import { collectDns } from './dns-metrics.ts';
import { DnsRunner } from './runner.ts';
import type { DnsNotice } from './setup.ts';
import { MOST_OF_ONE_CLIENT } from './tcp-server.ts';
import { askByUdp, framed, queryFor, Stream } from './testing/ask.ts';

const WWW = queryFor('www.edge.example');
const ADDRESS = 'www.edge.example 1 20 198.51.100.1';

interface Serving {
  readonly runner: DnsRunner;
  readonly ports: readonly number[];
  readonly notices: readonly DnsNotice[];
}

const SECRET = new Uint8Array(16);
const DEFENCE = { cookieSecret: SECRET, limitSecret: SECRET, perSecond: 0 };

const serve = async (t: TestContext, ...addresses: string[]): Promise<Serving> => {
  const notices: DnsNotice[] = [];
  const runner = new DnsRunner(DEFENCE, (notice) => notices.push(notice));
  t.after(() => runner.close());
  const ports = await runner.listen(addresses.map((address) => ({ address, port: 0 })));
  runner.setZones([DESCRIPTION]);
  return { runner, ports, notices };
};

const answerOf = (response: Uint8Array | undefined): readonly string[] =>
  response === undefined ? [] : readResponse(response).answer;

test('queries are answered by UDP and TCP, of both families, from the address that was asked', async (t) => {
  const { runner, ports } = await serve(t, '0.0.0.0', '::1');
  const [port = 0, port6 = 0] = ports;
  for (const [at, address] of [
    [port, '127.0.0.1'],
    [port, '127.0.0.9'],
    [port6, '::1'],
  ] as const) {
    // A connected socket takes what comes from that address alone.
    assert.deepEqual(answerOf(await askByUdp(WWW, at, address)), [ADDRESS]);
    const stream = new Stream(at, address);
    stream.socket.write(framed(WWW));
    assert.deepEqual(answerOf(await stream.next()), [ADDRESS]);
    stream.socket.destroy();
  }
  const slots = allocateSlots();
  collectDns(slots, runner);
  assert.equal(slots[slotOf('cloudbridge_dns_queries_total', { transport: 'udp' })], 3);
  assert.equal(slots[slotOf('cloudbridge_dns_queries_total', { transport: 'tcp' })], 3);
  assert.equal(slots[slotOf('cloudbridge_dns_judged_queries_total', { outcome: 'answered' })], 6);
});

test('queries in a row by one connection, cut anywhere, are answered each', async (t) => {
  const { ports } = await serve(t, '127.0.0.1');
  const stream = new Stream(ports[0] ?? 0);
  const all = Buffer.concat([1, 2, 3].map((id) => framed(queryFor('www.edge.example', id))));
  for (const byte of all) {
    stream.socket.write(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
  stream.socket.write(
    Buffer.concat([framed(queryFor('nope.edge.example', 4)), framed(queryFor('www.edge.example', 5))]),
  );
  for (const id of [1, 2, 3, 4, 5]) {
    const { id: got, rcode } = readResponse(await stream.next());
    assert.deepEqual([got, rcode], [id, id === 4 ? 'nxDomain' : 'noError']);
  }
  // An end of what one asks is none of what one hears.
  stream.socket.end(framed(queryFor('www.edge.example', 6)));
  assert.equal(readResponse(await stream.next()).id, 6);
  assert.equal(await stream.closed(), false);
});

test('a response that is too long for a datagram comes by TCP', async (t) => {
  const { runner, ports } = await serve(t, '127.0.0.1');
  const many = Array.from({ length: 200 }, (_, i) => `198.51.100.${i}`);
  runner.setZones([{ ...DESCRIPTION, pops: { moscow: many }, places: {} }]);
  const short = await askByUdp(WWW, ports[0] ?? 0);
  assert.ok(short !== undefined && short.length < MOST_UDP_BYTES);
  assert.deepEqual([readResponse(short).flags & 0x0200, answerOf(short)], [0x0200, []]);
  const stream = new Stream(ports[0] ?? 0);
  stream.socket.write(framed(WWW));
  assert.equal(answerOf(await stream.next()).length, 200);
  stream.socket.destroy();
});

test('what is no DNS ends a connection; too many of one client are refused; both are counted', async (t) => {
  const { runner, ports } = await serve(t, '127.0.0.1');
  const [port = 0] = ports;
  const [server] = runner.tcp;
  assert.ok(server !== undefined);
  for (const bytes of ['0003010203', 'ffff0000', '474554202f20485454502f312e310d0a']) {
    const stream = new Stream(port);
    stream.socket.write(Buffer.from(bytes, 'hex'));
    await stream.closed();
  }
  assert.equal(server.ended.malformed, 3);
  const streams = Array.from({ length: MOST_OF_ONE_CLIENT }, () => new Stream(port));
  for (const stream of streams) {
    stream.socket.write(framed(WWW));
    await stream.next();
  }
  const late = new Stream(port);
  await late.closed();
  assert.deepEqual([server.ended.client_full, server.connections], [1, MOST_OF_ONE_CLIENT]);
  const [first] = streams;
  first?.socket.destroy();
  await first?.closed();
  const again = new Stream(port);
  again.socket.write(framed(WWW));
  assert.deepEqual(answerOf(await again.next()), [ADDRESS]);
  for (const stream of [...streams, again]) stream.socket.destroy();
});

test('a connection that says nothing, or half a query, ends', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { runner, ports } = await serve(t, '127.0.0.1');
  const [port = 0] = ports;
  const stream = new Stream(port);
  stream.socket.write(framed(WWW));
  await stream.next();
  stream.socket.write(Uint8Array.of(0, 40, 1));
  t.mock.method(performance, 'now', () => Number.MAX_SAFE_INTEGER);
  t.mock.timers.tick(1000);
  await stream.closed();
  assert.equal(runner.tcp[0]?.ended.idle, 1);
});

test('who floods by UDP and is not heard loses queries, not others; a datagram of any size and bytes is survived', async (t) => {
  const { runner, ports } = await serve(t, '127.0.0.1');
  const [port = 0] = ports;
  for (const size of [0, 1, 11, 12, 512, 4096, 9000, 60_000])
    await askByUdp(Buffer.alloc(size, 0xff), port, '127.0.0.1', 20);
  assert.deepEqual(answerOf(await askByUdp(WWW, port)), [ADDRESS]);
  assert.ok(runner.responder.counters.silent >= 4);
});

test('a query that meets a bug is not answered, the first is told, and others are answered', async (t) => {
  const { runner, ports, notices } = await serve(t, '127.0.0.1');
  const [port = 0] = ports;
  const broken = t.mock.method(runner.responder, 'answer', () => {
    throw new Error('unforeseen');
  });
  for (let i = 0; i < 2; i++) assert.equal(await askByUdp(WWW, port, '127.0.0.1', 50), undefined);
  broken.mock.restore();
  assert.deepEqual(answerOf(await askByUdp(WWW, port)), [ADDRESS]);
  assert.equal(runner.faults, 2);
  assert.match(JSON.stringify(notices), /^\[\{"type":"fault","error":"Error: unforeseen/);
  assert.equal(notices.length, 1);
});

test('a zone that cannot be served is left out and told; PoPs that are not well are led to last', async (t) => {
  const { runner, ports, notices } = await serve(t, '127.0.0.1');
  const [port = 0] = ports;
  runner.setZones([DESCRIPTION, { ...DESCRIPTION, apex: 'other.example' }]);
  assert.match(JSON.stringify(notices), /"apex":"other\.example","reason":"\S+ is not in the zone"/);
  runner.setUnwell(['moscow']);
  assert.deepEqual(answerOf(await askByUdp(WWW, port)).at(0), 'www.edge.example 1 20 198.51.100.2');
  runner.setUnwell(['moscow', 'frankfurt', 'tokyo']);
  assert.deepEqual(answerOf(await askByUdp(WWW, port)), [ADDRESS], 'nobody is well: as if all were');
  runner.setUnwell([]);
  assert.deepEqual(answerOf(await askByUdp(WWW, port)), [ADDRESS]);
});
