import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { Program, type ProgramSpec, withPrograms } from './program.ts';

const node = (script: string, more: Partial<ProgramSpec> = {}): ProgramSpec => ({
  name: 'a script',
  command: process.execPath,
  args: ['-e', script],
  ...more,
});

const LIMIT_MS = 20_000;

test('a server announces itself, is stopped, and tells what came of it', async () => {
  const server = new Program(
    node(`process.on('SIGTERM', () => { console.log('{"result":{"served":3}}'); process.exit(); });
      setInterval(() => {}, 1000);
      console.log('{"ready":{"address":"here"}}');`),
  );
  assert.deepEqual(await server.ready, { address: 'here' });
  assert.deepEqual(await server.stop(), { served: 3 });
});

test('a client ends by itself with its result', async () => {
  const client = new Program(node(`console.log('noise'); console.log('{"result":{"files":2}}')`));
  assert.deepEqual(await client.finish(LIMIT_MS), { files: 2 });
  assert.match(client.output, /^noise/);
  await assert.rejects(client.ready, /ended before it was ready/);
});

test('orders and results by IPC', async () => {
  const program = new Program(
    node(
      `process.once('message', ({ add }) => {
        process.send({ port: 1 });
        process.send({ result: add[0] + add[1] });
      });`,
      { ipc: true, order: { add: [1, 2] } },
    ),
  );
  assert.deepEqual(await program.ready, { port: 1 });
  assert.equal(await program.finish(LIMIT_MS), 3);
  await program.stop();
});

test('a program that tells its state by lines of types is ready with the wanted one', async () => {
  const program = new Program(
    node(
      `console.log('{"type":"connecting"}\\n{"type":"up","pid":' + process.pid + '}\\n{"type":"up","pid":0}');
      setInterval(() => {}, 1000);`,
      { readyType: 'up' },
    ),
  );
  assert.deepEqual(await program.ready, { type: 'up', pid: program.pid });
  await program.stop();
});

test('standard input is at its end, but for a program that waits for it', async () => {
  const script = `process.stdin.resume().once('end', () => console.log('{"result":1}')); console.log('{"ready":0}')`;
  assert.equal(await new Program(node(script)).finish(LIMIT_MS), 1);
  const waiting = new Program(node(script, { waitsForInput: true }));
  await waiting.ready;
  await assert.rejects(waiting.finish(300), /took more than/);
  assert.equal(await waiting.stop(), undefined);
});

test('a program with a CPU of its own goes before others, as far as this user may say so', async () => {
  const report = `console.log(JSON.stringify({ result: os.getPriority() }))`;
  const program = new Program(node(report), { cpu: 0 });
  const mayBe = spawnSync('nice', ['-n', '-20', 'nice'], { encoding: 'utf8' });
  assert.equal(await program.finish(LIMIT_MS), Number(mayBe.stdout));
});

test('a failure names the program and its cause', async () => {
  const failing = new Program(node(`throw new RangeError('no such version')`));
  await assert.rejects(failing.finish(LIMIT_MS), /a script ended with 1: RangeError: no such version/);
  const absent = new Program({ name: 'nothing', command: '/no/such/program', args: [] });
  await assert.rejects(absent.finish(LIMIT_MS), /nothing ended with 127|nothing could not be started/);
});

test('what takes too long is given up, and stopped with the rest', async () => {
  let endless: Program | undefined;
  await assert.rejects(
    withPrograms(async (start) => {
      endless = start(node('setInterval(() => {}, 1000)'));
      await endless.finish(10);
    }),
    /took more than 0.01 s/,
  );
  // Stopped on purpose: no failure of its own.
  assert.equal(await endless?.result, undefined);
});

test('a silent server is ready when it is bound', async () => {
  const { freeUdpPort } = await import('./sockets.ts');
  const port = await freeUdpPort();
  const server = new Program(
    node(`require('node:dgram').createSocket('udp4').bind(${port}, '127.0.0.1')`, {
      listens: { protocol: 'udp', port },
    }),
  );
  await server.ready;
  await server.stop();
});

/** Of each thread of a process, the first one's first (proc_pid_stat(5), field 41): 0 as usual, 1 in real time. */
const policiesOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .toSorted((a, b) => a - b)
    .map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]);
    });

test('in real time is the first thread of a program that asks for it, and none of its helpers', {
  skip: needsRoot,
}, async () => {
  const script = `console.log('{"ready":0}'); setInterval(() => {}, 1000)`;
  await withPrograms(async (start) => {
    const [asked, usual] = [start(node(script), { realTime: true }), start(node(script))];
    await Promise.all([asked.ready, usual.ready]);
    const [first, ...others] = policiesOf(asked.pid);
    assert.equal(first, 1);
    assert.ok(others.length > 0 && others.every((policy) => policy === 0), others.join());
    assert.ok(policiesOf(usual.pid).every((policy) => policy === 0));
  });
});
