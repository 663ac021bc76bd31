import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isListenFault, listenFault } from './listen-fault.ts';
import { portOwner } from './port-owner.ts';

/** What is said of an address that cannot be listened on. */
const faultOf = async (host: string, port: number): Promise<string> => {
  const [error] = await once(createServer().listen(port, host), 'error', {}).catch((cause: unknown) => [cause]);
  assert.ok(isListenFault(error), String(error));
  return listenFault(`${host}:${port}`, error, '[auth] listen');
};

/** A process that listens on a port of its own. */
const listener = async (t: TestContext, host: string): Promise<{ readonly pid: number; readonly port: number }> => {
  const program = `const s = require('net').createServer().listen(0, '${host}', () => process.send(s.address().port))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.after(() => void child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  return { pid: child.pid as number, port };
};

for (const host of ['127.0.0.1', '::1']) {
  test(`a port in use is told with who has it: ${host}`, async (t) => {
    const { pid, port } = await listener(t, host);
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    assert.equal(
      await faultOf(host, port),
      `${host}:${port} is in use by process ${pid} (${name}): end it or change [auth] listen`,
    );
  });
}

test('who has a port is not guessed', async (t) => {
  const one = await listener(t, '127.0.0.1');
  const also = createServer().listen(one.port, '127.0.0.2');
  t.after(() => also.close());
  await once(also, 'listening');
  assert.equal(portOwner(one.port), undefined, 'two have it');
  assert.equal(
    await faultOf('127.0.0.1', one.port),
    `127.0.0.1:${one.port} is in use by another process: end it (\`ss -tlnp\` shows it) or change [auth] listen`,
  );
  assert.equal(portOwner(0), undefined);
});

test('an address that this machine does not have, and a name that nobody knows', async () => {
  assert.match(await faultOf('203.0.113.250', 9), /does not have that address: add it to an interface or change/);
  assert.match(await faultOf('no.such.invalid', 9), /has a name that cannot be resolved \(E\w+\): write an address/);
});
