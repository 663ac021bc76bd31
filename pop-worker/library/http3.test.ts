import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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
const cancelled = Promise.withResolvers<unknown>();
const again = new Response('once');
/** Handlers without Hono's care. */
const bare: Readonly<Record<string, (request: Request) => unknown>> = {
  '/echo': ({ body }) => new Response(body as ReadableStream<Uint8Array>),
  '/source': () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1000)),
        cancel: (reason) => {
          setTimeout(() => cancelled.resolve(reason), 10);
          throw new Error('cannot stop');
        },
      }),
    ),
  '/lazy-echo': ({ body }) => {
    const later = new ReadableStream<Uint8Array>({
      start: async (controller) => {
        await sleep(20);
        for await (const piece of body as ReadableStream<Uint8Array>) controller.enqueue(piece);
        controller.close();
      },
    });
    return new Response(later);
  },
  '/ignore': () => new Response('not read'),
  '/nothing': () => undefined,
  '/null': async () => null,
  '/text': () => 'text',
  '/no-answer': () => Response.error(),
  '/again': () => again,
};
app.onError((error) => {
  throw error;
});

const fetch = (request: Request) => (bare[new URL(request.url).pathname] ?? app.fetch)(request) as Response;

before(async () => {
  server = serveHttp3({
    ...{ address: '127.0.0.1', port: 0, identities, fetch },
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

test('content that HEAD leaves out is cancelled, so that its source ends; what goes wrong there is told', async () => {
  const head = await client.fetch(`${ORIGIN}/source`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  assert.match(String(await cancelled.promise), /no content/);
  assert.match(String(failures.at(-1)), /cannot stop/);
});

test('a handler that throws is a 500, and told to the owner', async () => {
  const response = await client.fetch(`${ORIGIN}/broken`);
  assert.equal(response.status, 500);
  assert.match(String(failures.at(-1)), /on purpose/);
});

test('a response may be made of the content of its request', async () => {
  for (const path of ['/echo', '/lazy-echo']) {
    for (const size of [0, 10, 100_000, 1 << 20, 3 << 20]) {
      const body = randomBytes(size);
      const response = await client.fetch(`${ORIGIN}${path}`, { method: 'POST', body });
      assert.ok(body.equals(await response.bytes()), `${path} ${size}`);
    }
  }
});

test('a request whose content nobody reads is answered, and its sender stopped', async () => {
  // More than its window, more often than there may be requests at once.
  const body = new Uint8Array(300_000);
  for (const [path, status] of [
    ['/ignore', 200],
    ['/nothing', 500],
  ] as const) {
    for (let i = 0; i < 120; i++) {
      const response = await client.fetch(`${ORIGIN}${path}`, { method: 'POST', body });
      assert.equal(response.status, status);
      await response.bytes();
    }
  }
});

test('a handler that gives no response that can be sent is a 500, told to the owner, and the server goes on', async () => {
  assert.equal(await (await client.fetch(`${ORIGIN}/again`)).text(), 'once');
  for (const [path, not] of [
    ['/nothing', 'undefined'],
    ['/null', 'null'],
    ['/text', 'string'],
    ['/no-answer', 'Response.error(), which stands for no answer'],
    ['/again', 'one whose body is used already'],
  ]) {
    const response = await client.fetch(`${ORIGIN}${path}`);
    assert.deepEqual([response.status, await response.text()], [500, '']);
    assert.equal(String(failures.at(-1)), `TypeError: the handler must return a Response, not ${not}`);
  }
  assert.equal((await client.fetch(`${ORIGIN}/hello`)).status, 200);
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
