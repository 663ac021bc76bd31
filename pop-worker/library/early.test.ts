import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { nowUs } from '#host/clock/clock.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { BoundEndpoint } from './endpoint.ts';
import type { SavedHttp3Session } from './http3-client.ts';
import { PassiveHttp3Sink } from './http3-sink.ts';
import { connectHttp3, serveHttp3 } from './index.ts';

const authority = createAuthority();
const identities = [authority.issue('library.test')];
const ORIGIN = 'https://library.test';

test('early data may read; what changes something waits until nobody can have replayed it', async (t) => {
  const seen: (string | undefined)[] = [];
  const early = new Hono();
  early.all('/', (context) => {
    seen.push(`${context.req.method} ${context.req.header('early-data')}`);
    return context.text('done');
  });
  const taking = serveHttp3({ address: '127.0.0.1', port: 0, identities, earlyData: true, fetch: early.fetch });
  t.after(() => taking.close());
  const where = { host: '127.0.0.1', port: taking.port, serverName: 'library.test', trustAnchors: authority.pem };
  const first = await connectHttp3(where);
  const resume = await first.resumable;
  first.close();
  await carelessly(taking.port, resume, ['POST', 'GET']);
  assert.deepEqual(seen, ['GET 1', 'POST undefined']);
});

/** A client that puts any request into early data. @returns when all are answered */
const carelessly = async (port: number, { ticket, parameters, settings }: SavedHttp3Session, methods: string[]) => {
  const bound = new BoundEndpoint('127.0.0.1', 0, {}, { tls: createTlsClientPort({ trustAnchors: authority.pem }) });
  const sink = new (class extends PassiveHttp3Sink {})();
  const answered = Promise.withResolvers<void>();
  let answers = 0;
  sink.response = () => {
    if (++answers === methods.length) answered.resolve();
  };
  const binding = new Http3Binding((quic) => new Http3Connection(quic, sink, { grease: 0, remembered: settings }));
  const common = { serverName: 'library.test', alpn: ['h3'], sink: binding, ticket, remembered: parameters };
  const http3 = binding.bind(bound.endpoint.connect({ ...common, remote: addressOf('127.0.0.1', port) }, nowUs()));
  http3.start();
  for (const method of methods) {
    const head = { ':method': method, ':scheme': 'https', ':authority': 'library.test', ':path': '/' };
    const fields = Object.entries(head).map(([name, value]) => ({ name, value }));
    assert.ok(http3.openRequest(fields, true) >= 0);
  }
  await answered.promise;
  http3.close();
  await bound.close();
};

test('a client keeps what changes something out of early data, and asks again what came too early', async (t) => {
  const seen: string[] = [];
  const picky = new Hono();
  picky.all('/', (context) => {
    const early = context.req.header('early-data') !== undefined;
    seen.push(`${context.req.method}${early ? ' early' : ''}`);
    return early ? context.text('too early', 425) : context.text('done');
  });
  const server = serveHttp3({ address: '127.0.0.1', port: 0, identities, earlyData: true, fetch: picky.fetch });
  t.after(() => server.close());
  const where = { host: '127.0.0.1', port: server.port, serverName: 'library.test', trustAnchors: authority.pem };
  const first = await connectHttp3(where);
  const resume = await first.resumable;
  first.close();
  const again = await connectHttp3({ ...where, resume, early: true });
  const sent = again.fetch(`${ORIGIN}/`);
  assert.equal(await (await sent).text(), 'done');
  assert.deepEqual(seen, ['GET early', 'GET']);
  again.close();
  // The server takes the same ticket's early data no second time, and the request is none the worse for it.
  const third = await connectHttp3({ ...where, resume, early: true });
  assert.equal(await (await third.fetch(`${ORIGIN}/`)).text(), 'done');
  assert.deepEqual(seen, ['GET early', 'GET', 'GET']);
  const { replayed, full } = server.refusedEarlyData;
  assert.deepEqual([replayed, full], [1, 0]);
  third.close();
});

test('a client with early data may be closed before its handshake is complete', async (t) => {
  const server = serveHttp3({
    address: '127.0.0.1',
    port: 0,
    identities,
    earlyData: true,
    fetch: () => new Response(),
  });
  t.after(() => server.close());
  const where = { host: '127.0.0.1', port: server.port, serverName: 'library.test', trustAnchors: authority.pem };
  const first = await connectHttp3(where);
  const resume = await first.resumable;
  first.close();
  const hasty = await connectHttp3({ ...where, resume, early: true });
  hasty.close();
  // What nobody handles would fail this test.
  assert.equal((await hasty.closed).by, 'local');
});
