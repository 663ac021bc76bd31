import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Hono } from 'hono';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { connectHttp3, type Http3Client, type Http3Server, QuicConnectionError, serveHttp3 } from './index.ts';

const authority = createAuthority();
const identities = [authority.issue('library.test')];
const ORIGIN = 'https://library.test';
const failures: unknown[] = [];
const gone = Promise.withResolvers<void>();
let server: Http3Server;
let client: Http3Client;

const app = new Hono();
app.get('/hello', (context) => context.text(`hello ${context.req.header('x-name')}`, 200, { 'x-seen': 'yes' }));
app.post('/digest', async (context) => {
  const hash = createHash('sha256');
  for await (const piece of context.req.raw.body as ReadableStream<Uint8Array>) hash.update(piece);
  return context.text(hash.digest('hex'));
});
app.get('/bytes/:count', (context) => context.body(new Uint8Array(Number(context.req.param('count'))).fill(7).buffer));
app.delete('/thing', (context) => context.body(null, 204));
app.get('/broken', () => {
  throw new Error('on purpose');
});
app.get('/half', () => {
  let pieces = 0;
  return new Response(
    new ReadableStream({
      pull: (controller) => {
        if (pieces++ === 3) controller.error(new Error('no more'));
        else controller.enqueue(new Uint8Array(1000));
      },
    }),
  );
});
app.get('/slow', async (context) => {
  context.req.raw.signal.addEventListener('abort', () => gone.resolve());
  await gone.promise;
  return context.text('late');
});
app.onError((error) => {
  throw error;
});

before(async () => {
  server = serveHttp3({
    ...{ address: '127.0.0.1', port: 0, identities, fetch: app.fetch },
    onError: (error) => failures.push(error),
  });
  client = await connectHttp3({
    ...{ host: '127.0.0.1', port: server.port, serverName: 'library.test', trustAnchors: authority.pem },
  });
});

after(async () => {
  client.close();
  await server.close();
});

test('a Hono application answers', async () => {
  const response = await client.fetch(`${ORIGIN}/hello`, { headers: { 'x-name': 'world' } });
  assert.deepEqual([response.status, response.headers.get('x-seen')], [200, 'yes']);
  assert.equal(await response.text(), 'hello world');
  assert.equal((await client.fetch(`${ORIGIN}/nowhere`)).status, 404);
});

test('content goes up and down whole, larger than any window', async () => {
  const bytes = randomBytes(8 << 20);
  const up = await client.fetch(`${ORIGIN}/digest`, { method: 'POST', body: bytes });
  assert.equal(await up.text(), createHash('sha256').update(bytes).digest('hex'));
  const down = await client.fetch(`${ORIGIN}/bytes/${8 << 20}`);
  const all = await down.bytes();
  assert.equal(all.length, 8 << 20);
  assert.ok(all.every((byte) => byte === 7));
});

test('answers without content: HEAD and 204', async () => {
  const head = await client.fetch(`${ORIGIN}/hello`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  const none = await client.fetch(`${ORIGIN}/thing`, { method: 'DELETE' });
  assert.deepEqual([none.status, none.body], [204, null]);
});

test('a handler that throws is a 500, and told to the owner', async () => {
  const response = await client.fetch(`${ORIGIN}/broken`);
  assert.equal(response.status, 500);
  assert.match(String(failures.at(-1)), /on purpose/);
});

test('half a response does not look like a whole one', async () => {
  const whole = async () => (await client.fetch(`${ORIGIN}/half`)).bytes();
  await assert.rejects(whole(), /ended by the remote side/);
  assert.match(String(failures.at(-1)), /no more/);
});

test('a request whose content fails is given up', async () => {
  const body = new ReadableStream({
    pull: () => {
      throw new Error('no content after all');
    },
  });
  await assert.rejects(client.fetch(`${ORIGIN}/digest`, { method: 'POST', body, duplex: 'half' }), /given up/);
  assert.equal((await client.fetch(`${ORIGIN}/hello`)).status, 200);
});

test('a request that is aborted ends at the handler too', async () => {
  const controller = new AbortController();
  const answer = client.fetch(`${ORIGIN}/slow`, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 50));
  controller.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  await gone.promise;
});

test('two hundred requests at once over one connection', async () => {
  const all = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const response = await client.fetch(`${ORIGIN}/hello`, { headers: { 'x-name': String(i) } });
      return response.text();
    }),
  );
  assert.deepEqual(
    all,
    all.map((_, i) => `hello ${i}`),
  );
});

test('what HTTP/3 does not carry is refused before it is sent, and after the end nothing is', async () => {
  await assert.rejects(client.fetch('http://library.test/hello'), TypeError);
  const second = await connectHttp3({
    ...{ host: '127.0.0.1', port: server.port, serverName: 'library.test', trustAnchors: authority.pem },
  });
  second.close();
  await second.closed;
  await assert.rejects(second.fetch(`${ORIGIN}/hello`), QuicConnectionError);
});
