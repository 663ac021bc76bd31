import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { listen } from '../internet-service.ts';
import { untilNotReady } from './ready.ts';

test('one failure is none, three on end are the end', async (t) => {
  const answers = [200, 503, 503, 200, 503, 503, 503, 200];
  let asked = 0;
  const server = http.createServer((_, response) => {
    response.statusCode = answers[asked++] ?? 200;
    response.end('ok\n');
  });
  const port = await listen(server, '127.0.0.1', 0);
  t.after(() => server.close());
  await untilNotReady(`http://127.0.0.1:${port}/readyz`);
  assert.equal(asked, 7);
});

test('a worker that is gone is not ready', async () => {
  const server = http.createServer();
  const port = await listen(server, '127.0.0.1', 0);
  await new Promise((resolve) => server.close(resolve));
  await untilNotReady(`http://127.0.0.1:${port}/readyz`);
});
