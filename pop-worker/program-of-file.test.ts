import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { askProgram } from './admin/client.ts';
import { type Line, RunningSmall } from './testing/running-small.ts';

const STARTED = { level: 'info', message: 'started', hears: false };
const RUNNING = { level: 'info', message: 'running', hears: true, answers: true };
const STOPPING = { level: 'info', message: 'stopping' };
const STOPPED = { level: 'info', message: 'stopped', answers: false };

const notStarted = (reason: string): Line => ({ level: 'error', message: 'not started', reason });

/** `host:port` that is in use. */
const taken = async (t: TestContext): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`it answers, reads its file again, keeps what it had when that is wrong, and stops by ${signal}`, async (t) => {
    const small = new RunningSmall(t);
    small.write({ name: 'one' });
    const ended = small.start();
    await small.logged('running');
    assert.deepEqual(await askProgram('dns', small.socket, 'status'), { name: 'one' });
    small.write({ name: 'two' });
    small.kill('SIGHUP');
    await small.logged('read again');
    small.write({ name: 'three', wrong: 'no name' });
    small.kill('SIGHUP');
    await small.logged('not read again');
    assert.deepEqual(await askProgram('dns', small.socket, 'status'), { name: 'two' });
    small.kill(signal);
    assert.equal(await ended, 0);
    const kept = { level: 'error', message: 'not read again; what was in force stays', reason: '--config: no name' };
    const again = { level: 'info', message: 'read again', name: 'two' };
    assert.deepEqual(small.lines, [STARTED, RUNNING, again, kept, STOPPING, STOPPED]);
  });
}

test('its metrics are shown where its file says', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const small = new RunningSmall(t);
  small.write({ name: 'one', metrics: `127.0.0.1:${port}` });
  const ended = small.start();
  await small.logged('running');
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
  assert.equal(await response.text(), 'name one\n');
  small.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('a stop that comes while it starts is heard once it has', async (t) => {
  const small = new RunningSmall(t);
  assert.equal(await small.run({ stopsEarly: true }), 0);
  assert.deepEqual(small.lines, [STARTED, RUNNING, STOPPING, STOPPED]);
});

test('what it is for ends by itself: so does it, with 1 and the reason', async (t) => {
  const small = new RunningSmall(t);
  assert.equal(await small.run({ gone: 'its thread broke' }), 1);
  assert.deepEqual(small.lines, [STARTED, RUNNING, { level: 'error', message: 'ended', reason: 'its thread broke' }]);
});

test('CBR_LOG says which lines are written', async (t) => {
  const small = new RunningSmall(t);
  assert.equal(await small.run({ gone: 'its thread broke' }, 'error'), 1);
  assert.deepEqual(small.lines, [{ level: 'error', message: 'ended', reason: 'its thread broke' }]);
});

test('metrics that cannot be had: its socket is closed and it is stopped before it says why', async (t) => {
  const small = new RunningSmall(t);
  const metrics = await taken(t);
  assert.equal(await small.run({ metrics }), 1);
  const [started, stopped, { reason, ...said } = {}, ...more] = small.lines;
  assert.deepEqual([started, stopped, said, more], [STARTED, STOPPED, { level: 'error', message: 'not started' }, []]);
  assert.match(String(reason), new RegExp(`^${metrics} is in use by .* or change metrics$`));
});

test('what shows late that it cannot start is stopped before it says why', async (t) => {
  const small = new RunningSmall(t);
  assert.equal(await small.run({ unready: 'its port is taken' }), 1);
  assert.deepEqual(small.lines, [STOPPED, notStarted('its port is taken')]);
});

test('its socket is opened before its metrics are', async (t) => {
  const small = new RunningSmall(t);
  writeFileSync(small.socket, '');
  assert.equal(await small.run({ metrics: await taken(t) }), 1);
  assert.deepEqual(small.lines, [
    STARTED,
    { ...STOPPED, answers: true },
    notStarted(`${small.socket} is there and is no socket: change setting \`socket\``),
  ]);
});

test('a file that is wrong is told in one line for each mistake; one that is not there, by the system’s words', async (t) => {
  const wrong = new RunningSmall(t);
  assert.equal(await wrong.run({ wrong: 'one thing\nanother' }), 1);
  assert.deepEqual(wrong.lines, [notStarted('--config: one thing'), notStarted('another')]);
  const absent = new RunningSmall(t);
  assert.equal(await absent.start(), 1);
  assert.match(String(absent.lines[0]?.['reason']), /^ENOENT/);
});

test('a bug is no line for people: it ends the program with its stack', async (t) => {
  const start = new RunningSmall(t);
  assert.equal(await start.run({ bug: 'start' }), 1);
  assert.match(start.text, /^TypeError: a bug of the start\n +at /m);
  const change = new RunningSmall(t);
  change.write({});
  const ended = change.start();
  await change.logged('running');
  change.write({ bug: 'change' });
  change.kill('SIGHUP');
  assert.equal(await ended, 1);
  assert.match(change.text, /^TypeError: a bug of the change\n +at /m);
  assert.doesNotMatch(start.text + change.text, /not started|not read again/);
});
