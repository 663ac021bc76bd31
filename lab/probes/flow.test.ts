import assert from 'node:assert/strict';
import http from 'node:http';
import { type TestContext, test } from 'node:test';
import { createInternetService, listen } from '../internet-service.ts';
import { echoFlow } from './flow.ts';

const serve = async (t: TestContext, server: http.Server): Promise<string> => {
  const port = await listen(server, '127.0.0.1', 0);
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return `http://127.0.0.1:${port}/echo`;
};

const HOW = { everyMs: 5, forMs: 200 };

test('all messages come back on one connection, and it is told when the first one does', async (t) => {
  const server = createInternetService();
  let connections = 0;
  server.on('connection', () => connections++);
  let underWay = 0;
  const start = Date.now();
  const { messages, longestGapMs, lastMs } = await echoFlow(await serve(t, server), HOW, () => underWay++);
  assert.ok(messages >= 2);
  assert.ok(longestGapMs > 0 && lastMs >= start + HOW.forMs / 2);
  assert.deepEqual([connections, underWay], [1, 1]);
});

test('a pause on the way is the longest gap', async (t) => {
  const server = http.createServer((request, response) => {
    request.once('data', () => {
      request.pause();
      setTimeout(() => request.resume(), 100);
    });
    request.pipe(response);
  });
  const { longestGapMs } = await echoFlow(await serve(t, server), HOW, () => {});
  assert.ok(longestGapMs >= 90, `${longestGapMs} ms`);
});

test('a connection that is broken off fails the flow, and so do other bytes', async (t) => {
  const breaking = http.createServer((request) => request.once('data', () => request.socket.destroy()));
  await assert.rejects(
    echoFlow(await serve(t, breaking), HOW, () => {}),
    /socket hang up|ECONNRESET|EPIPE/,
  );
  const short = http.createServer((request, response) => {
    request.resume().on('end', () => response.end('x'.repeat(16)));
  });
  await assert.rejects(
    echoFlow(await serve(t, short), HOW, () => {}),
    /gave back 1 messages, not the \d+ sent/,
  );
});
