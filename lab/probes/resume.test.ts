import assert from 'node:assert/strict';
import type http from 'node:http';
import type net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createInternetService, listen } from '../internet-service.ts';
import { downloadResumed } from './resume.ts';

const BYTES = 8 * 1024 * 1024;

/** The internet host, whose first connections break off after some bytes. */
const breaking = async (t: TestContext, breaks: number): Promise<string> => {
  const server: http.Server = createInternetService();
  let left = breaks;
  server.on('connection', (socket: net.Socket) => {
    if (left-- <= 0) return;
    const write = socket.write.bind(socket);
    let sent = 0;
    socket.write = ((chunk: Uint8Array, ...rest: never[]) => {
      sent += chunk.length;
      if (sent > BYTES / 8) socket.resetAndDestroy();
      return write(chunk, ...rest);
    }) as typeof socket.write;
  });
  const port = await listen(server, '127.0.0.1', 0);
  t.after(() => server.close());
  return `http://127.0.0.1:${port}/bytes/${BYTES}`;
};

test('a download goes on where it was broken off, and its digest is that of the whole', async (t) => {
  const result = await downloadResumed(await breaking(t, 3));
  assert.equal(result.bytes, BYTES);
  assert.equal(result.resumed, 3);
});

test('one that is not broken off is one request', async (t) => {
  assert.equal((await downloadResumed(await breaking(t, 0))).resumed, 0);
});
