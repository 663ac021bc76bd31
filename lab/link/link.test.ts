import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { needsRoot, testNamespace } from '#host/testing/namespace.ts';
import { runCommand, until } from '../command.ts';
import { parseReplies } from '../ping.ts';
import { type LinkSpec, openLink } from './link.ts';

const IP_BYTES = 1000;
const HEADERS = 28;
const COUNT = 15;

const spec = (near: string, far: string): LinkSpec => ({
  ends: [near, far],
  device: 'link0',
  addresses: ['192.0.2.1/24', '192.0.2.2/24'],
  mtu: 1500,
  // A packet in 4 ms, room for ten.
  shapes: [{ bitsPerSecond: 2e6, delayUs: 10_000, queueBytes: 10 * IP_BYTES }, { delayUs: 10_000 }],
});

/** Sends all at once. @returns round trips of those that were answered, in microseconds */
const pingAll = async (namespace: string): Promise<number[]> => {
  const all = String(COUNT);
  const size = String(IP_BYTES - HEADERS);
  const ping = ['ping', '-n', '-l', all, '-c', all, '-s', size, '-W', '1', '192.0.2.2'];
  return parseReplies(await runCommand('ip', ['netns', 'exec', namespace, ...ping])).map(({ rttUs }) => rttUs);
};

test("a link carries the kernel's packets at its rate, with its delay and its queue", {
  skip: needsRoot,
}, async (t) => {
  const [near, far] = [testNamespace(t), testNamespace(t)];
  const link = await openLink(spec(near.name, far.name));
  t.after(() => link.close());
  await link.begin();
  const first = await pingAll(near.name);
  assert.ok(first.length >= 10 && first.length < COUNT, `${first.length} answers`);
  // Never less, whatever the machine does.
  assert.ok(Math.min(...first) >= 24_000 - 100, first.join());
  const [there, back] = await link.report(0, 10);
  // The kernel may have solicited routers besides.
  assert.ok(there.arrived >= first.length && back.arrived >= first.length);
  assert.equal(there.lost, COUNT - first.length);
  // The queue was full: somebody waited for nine others.
  assert.ok(there.delayP99 >= 45_000 && there.delayMean < there.delayP99 && there.ipdv > 0, `${there.delayP99}`);
  assert.ok(there.lateMean > 0 && there.lateMean < there.delayMean - 14_000, `${there.lateMean}`);
  assert.ok((there.bytes['other'] ?? 0) >= first.length * IP_BYTES);

  link.change([{ delayUs: 1000 }, {}]);
  await link.begin();
  assert.equal((await pingAll(near.name)).length, COUNT);
  assert.equal((await link.report(0, 10))[0].lost, 0);

  link.change([{ drop: 1 }, {}]);
  await assert.rejects(pingAll(near.name));
  assert.ok((await link.report(0, 10))[0].lost >= COUNT);
});

const ECHO = `require('node:dgram').createSocket('udp4').on('message', function (m, { port, address }) {
  console.log(port);
  this.send(m, port, address);
}).bind(4000, '192.0.2.2')`;

const ASK = `const socket = require('node:dgram').createSocket('udp4').on('message', () => console.log('answer'));
socket.bind(5000, '192.0.2.1', () => setInterval(() => socket.send('?', 4000, '192.0.2.2'), 20))`;

/** Runs JavaScript in a namespace until the test ends. @returns what it has printed so far, line by line */
const runIn = (t: TestContext, namespace: string, script: string): (() => string[]) => {
  const child: ChildProcess = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', script]);
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  return () => printed.split('\n').filter(Boolean);
};

test('a link forgets the port of a socket, whose answers find it all the same', { skip: needsRoot }, async (t) => {
  const [near, far] = [testNamespace(t), testNamespace(t)];
  const link = await openLink({ ...spec(near.name, far.name), shapes: [{}, {}] });
  t.after(() => link.close());
  const ports = runIn(t, far.name, ECHO);
  const answers = runIn(t, near.name, ASK);
  await until('Three answers', 20_000, () => answers().length >= 3);
  assert.deepEqual(new Set(ports()), new Set(['5000']));
  link.rebind();
  await until('The new port', 20_000, () => ports().at(-1) === '5001');
  const before = answers().length;
  await until('Three more answers', 20_000, () => answers().length >= before + 3);
});

test('a relay that cannot be says so', { skip: needsRoot }, async () => {
  await assert.rejects(openLink(spec('cbt-nowhere-1', 'cbt-nowhere-2')), /No such network namespace: cbt-nowhere-1/);
});
