import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { openHttpProxy } from './http-proxy.ts';
import type { LocalService, TunnelSource } from './local-services.ts';
import { PATIENCE_MS, ProgramConnection, REQUEST_MS } from './program-connection.ts';
import { openSocks } from './socks5.ts';

/** A socket whose program says what the test does, and whose idle time passes when the test says so. */
class TestSocket extends Duplex {
  answer = '';
  hasEnded = false;
  idle: { readonly afterMs: number; readonly callback: () => void } | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  setTimeout(afterMs: number, callback: () => void): void {
    this.idle = { afterMs, callback };
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.answer += chunk;
    done();
  }

  override _final(done: () => void): void {
    this.hasEnded = true;
    done();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Never connected to an edge. */
const nowhere: TunnelSource = {
  current: () => undefined,
  changed: () => new Promise(() => {}),
  tokenRefused: () => {},
};

const open = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const socket = new TestSocket();
  const seen: string[] = [];
  const program = new ProgramConnection(socket as unknown as Socket, () => seen.push(program.bytes.toString()));
  // It clears its timer when it is closed, which must be before the next test has timers.
  t.after(async () => {
    socket.destroy();
    await settled();
  });
  const say = async (text: string): Promise<void> => {
    socket.push(text);
    await settled();
  };
  return { socket, program, seen, say };
};

test('bytes are collected until they are consumed', async (t) => {
  const { program, seen, say } = open(t);
  await say('ab');
  await say('c');
  program.consume(2);
  await say('d');
  assert.deepEqual(seen, ['ab', 'abc', 'cd']);
  program.consume(1, Buffer.from('instead '));
  assert.equal(program.bytes.toString(), 'instead d');
});

test('a request that is not complete in time ends the connection', async (t) => {
  const { socket, say } = open(t);
  await say('a');
  t.mock.timers.tick(REQUEST_MS - 1);
  assert.equal(socket.destroyed, false);
  t.mock.timers.tick(1);
  assert.equal(socket.destroyed, true);
});

test('a complete request may take its time', (t) => {
  const { socket, program } = open(t);
  program.complete();
  t.mock.timers.tick(10 * REQUEST_MS);
  assert.equal(socket.destroyed, false);
});

test('a program that ends before its request is complete is let go', async (t) => {
  const { socket, say } = open(t);
  await say('a');
  socket.push(null);
  await settled();
  assert.equal(socket.destroyed, true);
  assert.equal(socket.answer, '');
});

test('what follows a complete request waits in the socket, behind what was not consumed', async (t) => {
  const { socket, program, seen, say } = open(t);
  await say('request, early');
  program.complete();
  assert.equal(program.isOver, true);
  await say(', later');
  assert.deepEqual(seen, ['request, early']);
  program.consume('request, '.length);
  program.splice({ host: 'a.test', port: 1 }, nowhere, { opened: () => {}, refused: () => {} });
  assert.equal(socket.isPaused(), true);
  assert.equal(socket.read().toString(), 'early, later');
});

test('who is refused gets the answer and a moment to take it; what it says meanwhile is dropped', async (t) => {
  const { socket, program, seen, say } = open(t);
  await say('a');
  program.refuse('no');
  await say('b');
  assert.deepEqual(seen, ['a']);
  assert.equal(program.isOver, true);
  assert.equal(socket.answer, 'no');
  assert.equal(socket.hasEnded, true);
  assert.equal(socket.readableLength, 0);
  assert.equal(socket.destroyed, false);
  assert.equal(socket.idle?.afterMs, PATIENCE_MS);
  socket.idle?.callback();
  assert.equal(socket.destroyed, true);
});

test('a refused program that ends in its turn has had the answer', async (t) => {
  const { socket, program } = open(t);
  program.refuse('no');
  socket.push(null);
  await settled();
  assert.equal(socket.answer, 'no');
  assert.equal(socket.errored, null);
  assert.equal(socket.destroyed, true);
});

/** What a program gets that says this, in pieces of some size, until the service ends the connection. */
const exchange = (service: LocalService, says: Uint8Array, pieceBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const got: Buffer[] = [];
    const program = connect({ host: '127.0.0.1', port: Number(/:(\d+)$/.exec(service.label)?.[1]), noDelay: true });
    program.on('data', (chunk) => got.push(chunk));
    program.on('end', () => resolve(Buffer.concat(got)));
    program.on('error', reject);
    for (let at = 0; at < says.length; at += pieceBytes) program.write(says.subarray(at, at + pieceBytes));
  });

const credentials = { user: 'u', password: 'p' };
const bytes = (...values: (number | string)[]): Buffer =>
  Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value) : Buffer.of(value))));
const failed = (reply: number): number[] => [5, reply, 0, 1, 0, 0, 0, 0, 0, 0];

test('SOCKS5: what is refused, however it is cut: table', async (t) => {
  const free = await openSocks({ host: '127.0.0.1', port: 0 }, nowhere, undefined);
  const closed = await openSocks({ host: '127.0.0.1', port: 0 }, nowhere, credentials);
  t.after(() => {
    free.close();
    closed.close();
  });
  const table: readonly (readonly [LocalService, Buffer, readonly number[]])[] = [
    [free, bytes(5, 1, 2), [5, 0xff]],
    [closed, bytes(5, 1, 0), [5, 0xff]],
    [closed, bytes(5, 1, 2, 1, 1, 'u', 1, 'q'), [5, 2, 1, 1]],
    [closed, bytes(5, 1, 2, 1, 1, 'u', 1, 'p', 5, 2, 0, 1, 1, 2, 3, 4, 0, 80), [5, 2, 1, 0, ...failed(7)]],
    [free, bytes(5, 1, 0, 5, 1, 0, 9), [5, 0, ...failed(8)]],
    [free, bytes(5, 1, 0, 5, 1, 0, 3, 1, ' ', 0, 80), [5, 0, ...failed(4)]],
    // What is no SOCKS gets no answer.
    [free, bytes(4), []],
    [closed, bytes(5, 1, 2, 5), [5, 2]],
  ];
  for (const [service, says, answer] of table) {
    for (const piece of [1, says.length]) {
      assert.deepEqual([...(await exchange(service, says, piece))], answer, says.toString('hex'));
    }
  }
});

test('HTTP proxy: what is refused, however it is cut: table', async (t) => {
  const free = await openHttpProxy({ host: '127.0.0.1', port: 0 }, nowhere, undefined);
  const closed = await openHttpProxy({ host: '127.0.0.1', port: 0 }, nowhere, credentials);
  t.after(() => {
    free.close();
    closed.close();
  });
  const wrong = Buffer.from('u:q').toString('base64');
  const right = Buffer.from('u:p').toString('base64');
  const table: readonly (readonly [LocalService, string, RegExp])[] = [
    [free, 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 .*cannot be read\.\n$/s],
    [free, 'GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 .*absolute URLs\.\n$/s],
    [free, 'GET https://a.test/ HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 501 /],
    [closed, 'CONNECT a.test:1 HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 407 .*\r\nProxy-Authenticate: Basic /s],
    [closed, `CONNECT a.test:1 HTTP/1.1\r\nProxy-Authorization: Basic ${wrong}\r\n\r\n`, /^HTTP\/1\.1 407 /],
    [closed, `CONNECT a.test HTTP/1.1\r\nProxy-Authorization: Basic ${right}\r\n\r\n`, /^HTTP\/1\.1 400 .*HOST:PORT/s],
  ];
  for (const [service, says, answer] of table) {
    for (const piece of [1, says.length]) {
      assert.match((await exchange(service, Buffer.from(says), piece)).toString(), answer, says);
    }
  }
});
