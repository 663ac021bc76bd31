import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import {
  connectQuic,
  listenQuic,
  QuicConnectionError,
  type QuicServer,
  type QuicSession,
  QuicStreamError,
  type SavedSession,
  type StreamMode,
} from './index.ts';

const authority = createAuthority();
const identities = [authority.issue('library.test')];
const servers: QuicServer[] = [];
const clients: QuicSession[] = [];

after(async () => {
  for (const client of clients) client.close();
  await Promise.all(servers.map((server) => server.close()));
});

type More = { streams?: StreamMode; resume?: SavedSession; early?: boolean; earlyData?: boolean };

/** A client and the server's end of the same connection. */
const pair = async (serve: More = {}, connect: More = {}): Promise<[QuicSession, QuicSession]> => {
  const server = listenQuic({ address: '127.0.0.1', port: 0, alpn: ['test'], identities, ...serve });
  servers.push(server);
  const client = await connectTo(server, connect);
  const reader = server.sessions.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  await (value as QuicSession).ready;
  return [client, value as QuicSession];
};

const connectTo = async ({ port }: QuicServer, more: More = {}): Promise<QuicSession> => {
  const where = { host: '127.0.0.1', port, serverName: 'library.test', alpn: ['test'] };
  const client = await connectQuic({ ...where, trustAnchors: authority.pem, ...more });
  clients.push(client);
  return client;
};

const first = async <T>(stream: ReadableStream<T>): Promise<T> => {
  const reader = stream.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return value as T;
};

const say = async (writable: WritableStream<Uint8Array>, text: string): Promise<void> => {
  const writer = writable.getWriter();
  await writer.write(Buffer.from(text));
  await writer.close();
};

const textOf = (readable: ReadableStream<Uint8Array>): Promise<string> => new Response(readable).text();

test('streams of both kinds are opened from both sides', async () => {
  const [client, server] = await pair();
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    const ours = await from.createBidirectionalStream();
    await say(ours.writable, 'there');
    const theirs = await first(to.incomingBidirectionalStreams);
    assert.equal(theirs.id, ours.id);
    assert.equal(await textOf(theirs.readable), 'there');
    await say(theirs.writable, 'and back');
    assert.equal(await textOf(ours.readable), 'and back');
    await say(await from.createUnidirectionalStream(), 'one way');
    assert.equal(await textOf(await first(to.incomingUnidirectionalStreams)), 'one way');
  }
});

test('ten megabytes arrive whole although the reader is slow at first', async () => {
  const [client, server] = await pair();
  const bytes = randomBytes(10 << 20);
  const { readable, writable } = await client.createBidirectionalStream();
  const writer = writable.getWriter();
  let written = 0;
  const sending = (async () => {
    for (let at = 0; at < bytes.length; at += 1 << 16) {
      await writer.write(bytes.subarray(at, at + (1 << 16)));
      written = at;
    }
    await writer.close();
  })();
  const theirs = await first(server.incomingBidirectionalStreams);
  await new Promise((resolve) => setTimeout(resolve, 200));
  // What fits the windows and the queues, no more.
  assert.ok(written < 6 << 20, `${written} bytes were taken while nobody read`);
  const hash = createHash('sha256');
  for await (const piece of theirs.readable) hash.update(piece);
  await sending;
  assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  await readable.cancel();
});

test('a reset and a stop carry their codes to the other side', async () => {
  const [client, server] = await pair();
  const ours = await client.createBidirectionalStream();
  const writer = ours.writable.getWriter();
  await writer.write(Buffer.from('x'));
  const theirs = await first(server.incomingBidirectionalStreams);
  const reader = theirs.readable.getReader();
  await reader.read();
  await writer.abort(new QuicStreamError('reset', 77));
  await assert.rejects(reader.read(), (error) => error instanceof QuicStreamError && error.code === 77);
  await ours.readable.cancel(new QuicStreamError('stopped', 78));
  const back = theirs.writable.getWriter();
  await assert.rejects(back.closed, (error) => error instanceof QuicStreamError && error.code === 78);
});

test('datagrams go both ways; too large ones are dropped and counted', async () => {
  const [client, server] = await pair();
  const writer = client.datagrams.writable.getWriter();
  await writer.write(new Uint8Array(client.datagrams.maxDatagramSize + 1));
  assert.equal(client.datagrams.dropped, 1);
  await writer.write(Buffer.from('ping'));
  assert.equal(Buffer.from(await first(server.datagrams.readable)).toString(), 'ping');
  await say(server.datagrams.writable, 'pong');
  assert.equal(Buffer.from(await first(client.datagrams.readable)).toString(), 'pong');
});

test('datagrams that nobody reads are dropped, not hoarded', async () => {
  const [client, server] = await pair();
  const writer = client.datagrams.writable.getWriter();
  for (let i = 0; i < 3000; i++) await writer.write(Uint8Array.of(1));
  const { readable, writable } = await client.createBidirectionalStream();
  await say(writable, 'behind them');
  await first(server.incomingBidirectionalStreams);
  assert.ok(server.datagrams.dropped > 0);
  await readable.cancel();
});

test('what waits fails with the reason that closed the connection', async () => {
  const [client, server] = await pair();
  const ours = await client.createBidirectionalStream();
  await ours.writable.getWriter().write(Buffer.from('x'));
  const theirs = await first(server.incomingBidirectionalStreams);
  const reading = theirs.readable.getReader();
  await reading.read();
  const left = reading.read();
  client.close({ closeCode: 9, reason: 'enough' });
  await assert.rejects(left, (error) => error instanceof QuicConnectionError && error.info.code === 9);
  assert.deepEqual({ ...(await server.closed) }, { by: 'remote', application: true, code: 9, reason: 'enough' });
  assert.equal((await client.closed).by, 'local');
  await assert.rejects(server.createBidirectionalStream(), QuicConnectionError);
  for await (const stream of server.incomingBidirectionalStreams) assert.fail(`${stream.id} after the end`);
});

test('a stream waits until the other side allows one more', async () => {
  const [client, server] = await pair();
  const open = await Promise.all(Array.from({ length: 100 }, () => client.createBidirectionalStream()));
  let further = false;
  const next = client.createBidirectionalStream().then((stream) => {
    further = true;
    return stream;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(further, false);
  const answering = (async () => {
    for await (const { readable, writable } of server.incomingBidirectionalStreams) void readable.pipeTo(writable);
  })();
  await Promise.all(open.slice(0, 60).map(({ writable }) => say(writable, 'over')));
  await Promise.all(open.slice(0, 60).map(({ readable }) => textOf(readable)));
  const late = await next;
  await say(late.writable, 'late');
  assert.equal(await textOf(late.readable), 'late');
  client.close();
  await answering;
});

test('batches bring what a turn brought in one list, with ends and resets', async () => {
  const [client, server] = await pair({ streams: 'batches' });
  assert.throws(() => client.batches(), /option/);
  const streams = await Promise.all(Array.from({ length: 20 }, () => client.createUnidirectionalStream()));
  await Promise.all(streams.map((stream, i) => say(stream, `stream ${i}`)));
  const given = (await client.createUnidirectionalStream()).getWriter();
  await given.write(Buffer.from('half'));
  const texts = new Map<number, string>();
  let [lists, ends] = [0, 0];
  let reset: number | undefined;
  for await (const pieces of server.batches()) {
    lists++;
    for (const piece of pieces) {
      texts.set(piece.stream, (texts.get(piece.stream) ?? '') + Buffer.from(piece.bytes).toString());
      if (piece.fin) ends++;
      reset ??= piece.reset;
    }
    if (texts.size === 21 && reset === undefined) await given.abort(new QuicStreamError('reset', 5)).catch(() => {});
    if (ends === 20 && reset !== undefined) client.close();
  }
  assert.deepEqual([...texts.values()].sort(), [...Array.from({ length: 20 }, (_, i) => `stream ${i}`), 'half'].sort());
  assert.equal(reset, 5);
  assert.ok(lists < 20, `${lists} lists`);
});

test('a batch is answered on the same stream, without a copy', async () => {
  const [client, server] = await pair({ streams: 'batches' }, { streams: 'batches' });
  void (async () => {
    for await (const pieces of server.batches())
      for (const { stream, bytes, fin } of pieces) server.quic.write(stream, bytes, fin);
  })();
  const bytes = randomBytes(3 << 20);
  const stream = await client.openStream(true);
  client.quic.write(stream, bytes, true);
  const back: Uint8Array[] = [];
  for await (const pieces of client.batches()) {
    for (const piece of pieces) {
      back.push(piece.bytes);
      if (piece.fin) client.close();
    }
  }
  assert.deepEqual(Buffer.concat(back), bytes);
});

test('a session is resumed, with early data where the server takes it', async () => {
  const server = listenQuic({ address: '127.0.0.1', port: 0, alpn: ['test'], identities, earlyData: true });
  servers.push(server);
  void (async () => {
    for await (const session of server.sessions) {
      void (async () => {
        for await (const { readable, writable } of session.incomingBidirectionalStreams) void readable.pipeTo(writable);
      })();
    }
  })();
  const before = await connectTo(server);
  const [resume] = await new Promise<[SavedSession]>((resolve) => before.once('ticket', (saved) => resolve([saved])));
  const client = await connectTo(server, { resume, early: true });
  const { readable, writable } = await client.createBidirectionalStream();
  await say(writable, 'early');
  assert.equal(await textOf(readable), 'early');
  const { resumed, earlyData } = await client.ready;
  assert.deepEqual([resumed, earlyData], [true, 'accepted']);
});

test('a server that nobody is behind, a wrong protocol and a stranger are told apart', async () => {
  const [, server] = await pair();
  const { port } = servers.at(-1) as QuicServer;
  const where = { host: '127.0.0.1', port, serverName: 'library.test', trustAnchors: authority.pem };
  await assert.rejects(connectQuic({ ...where, alpn: ['other'] }), /closed by remote, code 376/);
  await assert.rejects(connectQuic({ ...where, alpn: ['test'], serverName: 'other.test' }), QuicConnectionError);
  const transport = { handshakeTimeoutUs: 300_000 };
  await assert.rejects(connectQuic({ ...where, port: 9, alpn: ['test'], transport }), QuicConnectionError);
  assert.throws(() => listenQuic({ address: '127.0.0.1', port, alpn: ['test'], identities }), /EADDRINUSE/);
  server.close();
});
