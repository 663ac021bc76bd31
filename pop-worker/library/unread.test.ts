import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { inUse } from '#protocol/quic/testing/heap.ts';
import { Batches, MAX_WAITING_PIECES } from './batches.ts';
import { connectQuic, listenQuic, type QuicServer, type QuicSession } from './index.ts';
import { Inflow } from './inflow.ts';
import { MAX_WAITING_STREAMS } from './session.ts';

const authority = createAuthority();
const identities = [authority.issue('library.test')];
const servers: QuicServer[] = [];
const sessions: QuicSession[] = [];

after(async () => {
  for (const session of sessions) session.close();
  await Promise.all(servers.map((server) => server.close()));
});

/** A client and the server's end of its session, which nobody reads. */
const unread = async (): Promise<[QuicSession, QuicSession]> => {
  const server = listenQuic({ address: '127.0.0.1', port: 0, alpn: ['test'], identities });
  servers.push(server);
  const where = { host: '127.0.0.1', port: server.port, serverName: 'library.test', alpn: ['test'] };
  const client = await connectQuic({ ...where, trustAnchors: authority.pem });
  sessions.push(client);
  const { value } = await server.sessions.getReader().read();
  return [client, value as QuicSession];
};

test('streams that nobody reads stay open and count, also behind their end', async () => {
  const [client, server] = await unread();
  let opened = 0;
  const flood = async (): Promise<void> => {
    for (; opened < 3000; opened++) {
      const stream = await client.openStream(false);
      client.quic.write(stream, new Uint8Array(5000).fill(1), true);
    }
  };
  flood().catch(() => {});
  await sleep(500);
  // initialMaxStreamsUni
  assert.equal(opened, 100);
  // Whoever reads them lets more come.
  const reader = server.incomingUnidirectionalStreams.getReader();
  for (let i = 0; i < 1000; i++) {
    const { value } = await reader.read();
    assert.equal((await new Response(value).bytes()).length, 5000);
  }
});

test('streams that are over as soon as they come wait up to a limit, and are refused and counted beyond', async () => {
  const [client, server] = await unread();
  for (let i = 0; i < MAX_WAITING_STREAMS + 300; i++) {
    client.quic.write(await client.openStream(false), new Uint8Array(), true);
  }
  // It came after all of them.
  const last = await client.createBidirectionalStream();
  void last.writable.getWriter().close();
  await server.incomingBidirectionalStreams.getReader().read();
  assert.equal(server.refusedStreams, 300);
});

test('pieces that no reader takes end in a limit', async () => {
  let overflows = 0;
  const batches = new Batches({
    consume: () => {},
    overflow: () => {
      overflows++;
    },
  });
  for (let i = 0; i < MAX_WAITING_PIECES + 5; i++) batches.wasReset(i, 0);
  assert.equal(overflows, 5);
  const { value } = await batches[Symbol.asyncIterator]().next();
  assert.equal(value?.length, MAX_WAITING_PIECES);
});

test('credit comes with what a reader asked for, and what it has not taken is lost with the stream', async () => {
  let credit = 0;
  const inflow = new Inflow({
    consume: (bytes) => {
      credit += bytes;
    },
    cancel: () => {},
  });
  inflow.received(Uint8Array.of(1, 2));
  inflow.received(Uint8Array.of(3));
  await sleep(1);
  assert.equal(credit, 0);
  const reader = inflow.readable.getReader();
  assert.deepEqual((await reader.read()).value, Uint8Array.of(1, 2));
  assert.equal(credit, 3);
  assert.deepEqual((await reader.read()).value, Uint8Array.of(3));
  inflow.received(Uint8Array.of(4));
  inflow.end();
  assert.deepEqual((await reader.read()).value, Uint8Array.of(4));
  assert.ok((await reader.read()).done);
  assert.equal(credit, 4);
});

test('a window that frames of one byte fill takes twice its bytes at most, before and after it was asked for', async () => {
  const WINDOW = 1 << 18;
  const inflows = Array.from({ length: 4 }, () => new Inflow({ consume: () => {}, cancel: () => {} }));
  const fill = (): void => {
    for (const inflow of inflows) for (let i = 0; i < WINDOW; i++) inflow.received(Uint8Array.of(i & 255));
  };
  const before = inUse();
  fill();
  const held = inUse() - before;
  assert.ok(held < 2.2 * 4 * WINDOW, `${held} bytes held`);
  const readers = inflows.map(({ readable }) => readable.getReader());
  for (const reader of readers) assert.deepEqual((await reader.read()).value, Uint8Array.of(0));
  // The rest of what was asked for waits in the stream; its credit is back.
  fill();
  const twice = inUse() - before;
  assert.ok(twice < 2 * 2.2 * 4 * WINDOW, `${twice} bytes held and asked for`);
  let at = 1;
  for (let bytes = 1; bytes < 2 * WINDOW; ) {
    const { value = new Uint8Array() } = (await readers[0]?.read()) ?? {};
    bytes += value.length;
    assert.ok(value.every((byte) => byte === (at++ & 255)));
  }
});
