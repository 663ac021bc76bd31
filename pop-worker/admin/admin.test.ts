import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { AdminError, askProgram, askWorker } from './client.ts';
import { type AdminView, serveAdminHttp } from './http.ts';
import { AdminSocketError, serveAdminSocket } from './socket.ts';

const place = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-admin-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'deeper', 'admin.sock');
};

const COMMANDS = {
  status: () => ({ state: 'ready' }),
  fail: () => {
    throw new Error('it cannot');
  },
};

const served = async (t: TestContext): Promise<string> => {
  const socket = place(t);
  const server = await serveAdminSocket(socket, 'worker', COMMANDS);
  t.after(() => server.close());
  return socket;
};

test('commands are answered in the order of their lines', async (t) => {
  const socket = connect(await served(t));
  t.after(() => socket.destroy());
  socket.write('{"command":"status"}\n{"command":"fail"}\nnull\n{"command":"toString"}\n{\n');
  const lines: unknown[] = [];
  for await (const line of createInterface({ input: socket })) {
    lines.push(JSON.parse(line));
    if (lines.length === 5) break;
  }
  assert.deepEqual(lines, [
    { ok: true, result: { state: 'ready' } },
    { ok: false, error: 'it cannot' },
    { ok: false, error: 'commands are status, fail' },
    { ok: false, error: 'commands are status, fail' },
    { ok: false, error: 'a request is one JSON object in a line' },
  ]);
});

test('only its owner may use it, and a line has an end', async (t) => {
  const file = await served(t);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const socket = connect(file);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  socket.write('x'.repeat(10_000));
  await closed;
  assert.deepEqual(await askWorker(file, 'status'), { state: 'ready' });
});

test('a line may have 4096 bytes, and the next begins to count anew', async (t) => {
  const file = await served(t);
  const answers = (text: string): Promise<number> =>
    new Promise((resolve) => {
      const socket = connect(file);
      let lines = 0;
      socket.on('error', () => {});
      socket.on('data', (piece) => {
        lines += piece.toString().split('\n').length - 1;
      });
      socket.on('close', () => resolve(lines));
      socket.write(text, () => setImmediate(() => socket.end('\n')));
    });
  assert.equal(await answers(' '.repeat(4096)), 1);
  assert.equal(await answers(`{}\n${' '.repeat(4000)}`), 2);
  assert.equal(await answers(' '.repeat(4097)), 0);
});

test('what a dead process left is taken over; the rest of the process keeps its file modes', async (t) => {
  const file = place(t);
  mkdirSync(path.dirname(file), { recursive: true });
  // A process that ends without a word leaves its socket.
  const left = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', left]);
  assert.ok(lstatSync(file).isSocket());
  const umask = process.umask();
  const server = await serveAdminSocket(file, 'worker', COMMANDS);
  t.after(() => server.close());
  assert.equal(process.umask(), umask);
  assert.deepEqual(await askWorker(file, 'status'), { state: 'ready' });
  await assert.rejects(serveAdminSocket(path.join(path.dirname(file), 'y'.repeat(200)), 'worker', COMMANDS), Error);
});

test('the socket of a dead process is replaced; one that answers, or another file, is not', async (t) => {
  const file = await served(t);
  await assert.rejects(serveAdminSocket(file, 'worker', COMMANDS), {
    name: 'AdminSocketError',
    message: /another program answers/,
  });
  const other = `${file}.txt`;
  writeFileSync(other, 'mine');
  await assert.rejects(serveAdminSocket(other, 'worker', COMMANDS), AdminSocketError);
});

test('who asks in vain is told why', async (t) => {
  const file = await served(t);
  await assert.rejects(
    askWorker(`${file}.not`, 'status'),
    /there is no socket .*: start the worker, or name the one that its \[admin\] socket says$/,
  );
  await assert.rejects(askWorker(file, 'fail'), /the worker refuses: it cannot/);
  await assert.rejects(askWorker(path.dirname(file), 'status'), AdminError);
});

test('who asks another program than it means is told which it is', async (t) => {
  const file = await served(t);
  await assert.rejects(askProgram('bgp', file, 'status'), {
    message: `${file} is the socket of a worker, not of a BGP speaker`,
  });
  const foreign = `${file}.foreign`;
  const server = createServer((socket) => socket.end('hello\n')).listen(foreign);
  t.after(() => server.close());
  await once(server, 'listening');
  await assert.rejects(askProgram('dns', foreign, 'status'), {
    message: `what answers at ${foreign} is no DNS responder`,
  });
});

test('health, readiness and metrics by HTTP', async (t) => {
  const view: AdminView & { state: string; healthy: boolean; reason?: string | undefined } = {
    state: 'starting',
    healthy: true,
    isHealthy: () => view.healthy,
    metrics: async () => 'cloudbridge_x_total 1\n',
  };
  const server = await serveAdminHttp('127.0.0.1:0', view);
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = async (pathname: string, method = 'GET'): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}${pathname}`, { method, headers: { connection: 'close' } });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ask('/readyz'), [503, 'starting\n']);
  view.state = 'ready';
  assert.deepEqual(await ask('/readyz?x'), [200, 'ready\n']);
  assert.deepEqual(await ask('/healthz'), [200, 'ok\n']);
  assert.deepEqual(await ask('/metrics'), [200, 'cloudbridge_x_total 1\n']);
  Object.assign(view, { state: 'failed', reason: 'eth0 has no carrier' });
  assert.deepEqual(await ask('/readyz'), [503, 'failed: eth0 has no carrier\n']);
  assert.deepEqual(await ask('/healthz'), [200, 'ok\n']);
  view.healthy = false;
  assert.deepEqual(await ask('/readyz'), [503, 'a thread does not answer\n']);
  assert.equal((await ask('/healthz'))[0], 503);
  assert.equal((await ask('/other'))[0], 404);
  assert.equal((await ask('/metrics', 'POST'))[0], 405);
});
