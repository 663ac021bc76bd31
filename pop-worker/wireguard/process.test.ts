import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ip, needsRoot, testNamespace } from '#host/testing/namespace.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { METRICS } from '#telemetry/metrics.ts';

const skip = { skip: needsRoot };
const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const hex = (fill: number): string => Buffer.from(new Uint8Array(32).fill(fill)).toString('hex');
const publicHex = (fill: number): string =>
  Buffer.from(rawPublicKey(privateKeyOf(new Uint8Array(32).fill(fill)))).toString('hex');

let made = 0;
const newName = (): string => `cwp${process.pid % 100_000}x${made++}`;
const socketOf = (name: string): string => `/var/run/wireguard/${name}.sock`;

const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 60_000; !(await condition()); await pause(20))
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}.`);
};

/** What an interface answers to these bytes, until it ends an answer or the connection. */
const ask = async (name: string, text: string): Promise<string> => {
  const socket = createConnection(socketOf(name));
  socket.write(text);
  let answer = '';
  for await (const part of socket) {
    answer += String(part);
    if (answer.endsWith('\n\n')) break;
  }
  socket.destroy();
  return answer;
};

const set = async (name: string, ...lines: string[]): Promise<void> =>
  assert.equal(await ask(name, `set=1\n${lines.join('\n')}\n\n`), 'errno=0\n\n');

const start = (t: TestContext, namespace: string, words: readonly string[]): ChildProcess => {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, MAIN, 'wireguard', 'run', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  return child;
};

/** An interface in that namespace, whose socket answers. */
const interfaceIn = async (t: TestContext, namespace: string, ...more: string[]) => {
  const name = newName();
  const child = start(t, namespace, [name, '--foreground', ...more]);
  t.after(() => rmSync(socketOf(name), { force: true }));
  await until('its socket', () => existsSync(socketOf(name)));
  return { name, child };
};

/** What a command that must fail says. */
const failure = async (
  namespace: string,
  words: readonly string[],
  before: readonly string[] = [],
): Promise<string> => {
  const args = ['netns', 'exec', namespace, ...before, process.execPath, MAIN, 'wireguard', 'run', ...words];
  try {
    await run('ip', args, { timeout: 20_000 });
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    assert.equal(code, 1, stderr);
    return stderr;
  }
  throw new Error('It did not fail.');
};

const ping = async (namespace: string, to: string, count = 3): Promise<string> => {
  const args = ['netns', 'exec', namespace, 'ping', '-n', '-q', '-c', String(count), '-i', '0.2', '-W', '3', to];
  return /\d+ received/.exec((await run('ip', args)).stdout)?.[0] ?? '';
};

const reaches = async (namespace: string, to: string): Promise<boolean> => {
  try {
    return (await ping(namespace, to, 1)) === '1 received';
  } catch {
    return false;
  }
};

/** Two interfaces whose machines are joined, each with the other as its peer. */
const joined = async (t: TestContext, ...more: string[]) => {
  const [a, b] = [testNamespace(t).name, testNamespace(t).name];
  ip('-n', a, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', b);
  const ends = [
    { namespace: a, device: 'v0', host: 1, key: 66, other: { key: 77, host: 2 } },
    { namespace: b, device: 'v1', host: 2, key: 77, other: { key: 66, host: 1 } },
  ] as const;
  const sides = [];
  for (const { namespace, device, host, key, other } of ends) {
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'addr', 'add', `192.0.2.${host}/24`, 'dev', device);
    ip('-n', namespace, 'link', 'set', device, 'up');
    const { name, child } = await interfaceIn(t, namespace, ...more);
    await set(
      name,
      ...[`private_key=${hex(key)}`, 'listen_port=5001', `public_key=${publicHex(other.key)}`],
      ...[`endpoint=192.0.2.${other.host}:5001`, `allowed_ip=10.9.0.${other.host}/32`],
    );
    ip('-n', namespace, 'addr', 'add', `10.9.0.${host}/24`, 'dev', name);
    ip('-n', namespace, 'link', 'set', name, 'up');
    sides.push({ name, child, namespace });
  }
  // A handshake that comes before the other side listens is repeated five seconds later.
  await until('they reach each other', async () => await reaches(ends[0].namespace, '10.9.0.2'));
  return sides as [(typeof sides)[0], (typeof sides)[0]];
};

/** Series of WireGuard and their values. */
const figures = async (namespace: string): Promise<ReadonlyMap<string, number>> => {
  const program = 'process.stdout.write(await (await fetch("http://127.0.0.1:9100/metrics")).text())';
  const args = ['netns', 'exec', namespace, process.execPath, '--input-type=module', '-e', program];
  const lines = (await run('ip', args)).stdout.split('\n').filter((line) => line.startsWith('cloudbridge_'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
};

test('two interfaces of ours: pings, figures that move, and an end that leaves nothing', skip, async (t) => {
  const [a, b] = await joined(t, '--metrics', '127.0.0.1:9100');
  assert.equal(await ping(a.namespace, '10.9.0.2'), '3 received');
  const answer = await ask(a.name, 'get=1\n\n');
  assert.match(answer, new RegExp(`^private_key=${hex(66).slice(0, 4)}`));
  assert.match(answer, /\nendpoint=192\.0\.2\.2:5001\n/);
  assert.match(answer, /last_handshake_time_sec=[1-9]\d{9}\n/);
  ip('-n', a.namespace, 'addr', 'add', '10.9.0.77/32', 'dev', a.name);
  await assert.rejects(
    run('ip', ['netns', 'exec', a.namespace, 'ping', '-c', '1', '-W', '1', '-I', '10.9.0.77', '10.9.0.2']),
  );
  await assert.rejects(
    run('ip', ['netns', 'exec', a.namespace, 'ping', '-c', '1', '-W', '1', '10.9.0.3']),
    ({ stdout }: { stdout: string }) => stdout.includes('From 10.9.0.3 icmp_seq=1 Destination Host Unreachable'),
  );
  const [from, to] = [await figures(a.namespace), await figures(b.namespace)];
  const sum = (map: ReadonlyMap<string, number>, name: string): number =>
    map.get(`cloudbridge_wireguard_${name}`) ?? -1;
  assert.ok(sum(from, 'packets_total{direction="sent"}') >= 4 && sum(to, 'packets_total{direction="received"}') >= 4);
  assert.ok(sum(from, 'packets_total{direction="received"}') >= 3);
  assert.ok(sum(from, 'bytes_total{direction="sent"}') > 500 && sum(to, 'bytes_total{direction="received"}') > 500);
  assert.ok(sum(from, 'handshakes_total{what="begun"}') >= 1);
  assert.equal(sum(to, 'handshakes_total{what="answered"}'), 1);
  assert.deepEqual(
    [from, to].map((map) => sum(map, 'handshakes_total{what="agreed"}')),
    [1, 1],
  );
  assert.ok(sum(from, 'dropped_packets_total{reason="no_peer"}') > 0);
  assert.ok(sum(to, 'dropped_packets_total{reason="source"}') > 0);
  assert.deepEqual([sum(from, 'peers{state="configured"}'), sum(from, 'peers{state="in_session"}')], [1, 1]);
  for (const { name } of METRICS.filter((spec) => spec.name.startsWith('cloudbridge_wireguard_')))
    assert.ok(
      [...from.keys()].some((series) => series.startsWith(name)),
      name,
    );
  a.child.kill('SIGTERM');
  assert.deepEqual(await once(a.child, 'exit'), [0, null]);
  assert.ok(!existsSync(socketOf(a.name)));
  await assert.rejects(run('ip', ['-n', a.namespace, 'link', 'show', a.name]));
});

test(
  'in the background: it returns once it can be configured, to root alone, and ends with its socket',
  skip,
  async (t) => {
    const { name: namespace } = testNamespace(t);
    const name = newName();
    const args = ['netns', 'exec', namespace, process.execPath, MAIN, 'wireguard', 'run', name];
    const { stdout, stderr } = await run('ip', args);
    assert.equal(stdout + stderr, '');
    assert.equal(statSync(socketOf(name)).mode & 0o777, 0o600);
    assert.equal(await ask(name, 'get=1\n\n'), 'errno=0\n\n');
    assert.match(await failure(namespace, [name]), /is in use by another process|is another process’s/);
    rmSync(socketOf(name));
    await until(
      'the interface is gone',
      async () => !(await run('ip', ['-n', namespace, 'link'])).stdout.includes(name),
    );
  },
);

test('an interface that others remove ends it, too', skip, async (t) => {
  const { name: namespace } = testNamespace(t);
  const { name, child } = await interfaceIn(t, namespace);
  ip('-n', namespace, 'link', 'delete', name);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.ok(!existsSync(socketOf(name)));
});

test('MTU, down and up are followed; a port that is taken is an errno, and what was stays', skip, async (t) => {
  const [a, b] = await joined(t);
  assert.equal(await ping(a.namespace, '10.9.0.2'), '3 received');
  for (const { namespace, name } of [a, b]) ip('-n', namespace, 'link', 'set', name, 'mtu', '1300');
  assert.equal(await ping(a.namespace, '10.9.0.2'), '3 received');
  ip('-n', b.namespace, 'link', 'set', b.name, 'down');
  await assert.rejects(run('ip', ['netns', 'exec', a.namespace, 'ping', '-c', '1', '-W', '1', '10.9.0.2']));
  ip('-n', b.namespace, 'link', 'set', b.name, 'up');
  await until('it is there again', () => reaches(b.namespace, '10.9.0.1'));
  const other = await interfaceIn(t, a.namespace);
  ip('-n', a.namespace, 'link', 'set', other.name, 'up');
  await until('it listens', async () => /listen_port=\d/.test(await ask(other.name, 'get=1\n\n')));
  assert.equal(await ask(other.name, 'set=1\nlisten_port=5001\n\n'), 'errno=-98\n\n');
  const port = /listen_port=(\d+)/.exec(await ask(other.name, 'get=1\n\n'))?.[1];
  assert.ok(port !== undefined && port !== '5001' && port !== '0');
});

test('what is wrong is told in a sentence: names, others’ interfaces, rights', skip, async (t) => {
  const { name: namespace } = testNamespace(t);
  ip('-n', namespace, 'link', 'add', 'cwdummy', 'type', 'veth', 'peer', 'name', 'cwother');
  for (const name of ['a/b', '..', 'x'.repeat(16), 'a b'])
    assert.match(await failure(namespace, [name, '--foreground']), /is no name of an interface/);
  assert.match(await failure(namespace, ['cwdummy', '--foreground']), /an interface cwdummy that is no TUN: remove it/);
  assert.match(await failure(namespace, ['cwdummy']), /an interface cwdummy that is no TUN: remove it/);
  const bare = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
  assert.match(await failure(namespace, [newName(), '--foreground'], bare), /run as root, or with CAP_NET_ADMIN/);
  assert.match(await failure(namespace, [newName(), '-f', '--metrics', '192.0.2.99:1']), /does not have that address/);
});

test('bad input over the socket: an errno and an end, and the next one is served', skip, async (t) => {
  const { name: namespace } = testNamespace(t);
  const { name } = await interfaceIn(t, namespace);
  const key = hex(5);
  for (const [text, answer] of [
    ['nonsense\n\n', 'errno=-71\n\n'],
    ['get=2\n\n', 'errno=-22\n\n'],
    ['set=1\nprivate_key=zz\n\n', 'errno=-22\n\n'],
    [`set=1\nlisten_port=${'1'.repeat(100_000)}\n\n`, 'errno=-22\n\n'],
    [`set=1\npublic_key=${'00'.repeat(32)}\n\n`, 'errno=-22\n\n'],
    [`set=1\npublic_key=${key}\nendpoint=[fe80::1%nothing]:1\n\n`, 'errno=-22\n\n'],
    [`set=1\npublic_key=${key}\nremove=true\n\n`, 'errno=0\n\n'],
    [`set=1\npublic_key=${key}\nupdate_only=true\nallowed_ip=::/0\n\n`, 'errno=0\n\n'],
    ['get=1\n\n', 'errno=0\n\n'],
  ] as const)
    assert.equal(await ask(name, text), answer, text.slice(0, 80));
  // More than are served at a time, each with more to say than is read of it.
  for (let i = 0; i < 70; i++)
    assert.equal(await ask(name, `set=1\nlisten_port=${'1'.repeat(200_000)}\n\n`), 'errno=-22\n\n');
  // Cut off in the middle, again and again.
  for (let i = 0; i < 100; i++) {
    const socket = createConnection(socketOf(name));
    socket.end(`set=1\nprivate_key=${key}\n`);
    await once(socket, 'close');
  }
  assert.equal(await ask(name, 'get=1\n\n'), 'errno=0\n\n');
});

test('its own key is no peer, and a peer whose key becomes its own is gone', skip, async (t) => {
  const { name: namespace } = testNamespace(t);
  const { name } = await interfaceIn(t, namespace);
  await set(name, `private_key=${hex(66)}`, `public_key=${publicHex(66)}`, 'allowed_ip=10.0.0.1/32');
  assert.ok(!(await ask(name, 'get=1\n\n')).includes('public_key'));
  await set(name, `public_key=${publicHex(77)}`, 'allowed_ip=10.0.0.1/32');
  assert.ok((await ask(name, 'get=1\n\n')).includes(publicHex(77)));
  await set(name, `private_key=${hex(77)}`);
  assert.ok(!(await ask(name, 'get=1\n\n')).includes('public_key'));
  await set(name, `private_key=${'00'.repeat(32)}`);
  assert.equal(await ask(name, 'get=1\n\n'), 'errno=0\n\n');
});
