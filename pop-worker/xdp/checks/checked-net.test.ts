import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import type { XdpStatus } from '../front-of-file.ts';
import { balancedNet, Callers, Runner, VIP } from '../testing/balanced-net.ts';

const MAIN = path.join(import.meta.dirname, '../../../cli/main.ts');

/** @param more services */
const fileOf = (socket: string, backends: readonly string[], more = ''): string =>
  [
    ...['mode = "generic"', `socket = "${socket}"`, '[balance]', 'connections = 1024'],
    ...['[[service]]', `address = "${VIP}"`, 'protocol = "tcp"', 'port = 8080'],
    ...['[service.check]', 'kind = "tcp"', 'interval_seconds = 0.3', 'timeout_seconds = 0.3', 'rise = 2', 'fall = 2'],
    ...backends.map((address) => `[[service.backend]]\naddress = "${address}"`),
    more,
  ].join('\n');

test('a backend that dies gets nothing new until it is back; where all are dead all are used', {
  skip: needsRoot,
}, async (t) => {
  const net = await balancedNet(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'cbx-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [file, socket] = [path.join(folder, 'xdp.toml'), path.join(folder, 'xdp.sock')];
  writeFileSync(file, fileOf(socket, net.addresses));
  let runner = await Runner.start(net.balancer, net.device, file);
  t.after(() => runner.stop('SIGTERM'));
  const shown = (...more: string[]): string =>
    execFileSync(process.execPath, [MAIN, 'xdp', 'status', '--socket', socket, ...more], { encoding: 'utf8' });
  const checks = (): XdpStatus['checks'] => (JSON.parse(shown('--json')) as XdpStatus).checks;

  await runner.logged('a backend is up', 3);
  const callers = new Callers(t, net.client);
  const names = await callers.open(VIP, 24);
  assert.equal(new Set(names).size, 3);

  const [, second] = net.servers;
  await second?.kill();
  await runner.logged('a backend is down', 1);
  const late = await callers.open(VIP, 24);
  assert.deepEqual([...new Set(late)].toSorted(), ['backend-1', 'backend-3']);
  assert.deepEqual(
    await callers.alive(),
    [...names, ...late].map((name) => name !== 'backend-2'),
  );
  assert.match(shown(), /down, weight 1, .*checks: down for \d+ s, at last nobody listens there \(ECONNREFUSED\)/);

  // What is the same goes on: nobody has to be found down, or up, again.
  await runner.reload(
    file,
    fileOf(socket, net.addresses, '[[service]]\naddress = "198.51.100.81"\nprotocol = "udp"\nport = 53'),
  );
  const [checked] = checks().services;
  assert.deepEqual(
    checked?.backends.map(({ health }) => health),
    ['up', 'down', 'up'],
  );

  // Nor when the process is another one.
  await runner.stop('SIGKILL');
  runner = await Runner.start(net.balancer, net.device, file);
  const later = await callers.open(VIP, 24);
  assert.deepEqual([...new Set(later)].toSorted(), ['backend-1', 'backend-3']);

  await second?.start();
  await runner.logged('a backend is up', 3);
  assert.equal(new Set(await callers.open(VIP, 24)).size, 3);

  for (const server of net.servers) await server.kill();
  await runner.logged('no backend is well by its checks: all are used', 1);
  assert.equal(checks().panics, 1);
  assert.match(shown(), /no backend is well: all are used/);
  assert.doesNotMatch(shown(), /down, weight/);
  for (const server of net.servers) await server.start();
  await runner.logged('a backend is up', 6);
  assert.equal(new Set(await callers.open(VIP, 24)).size, 3);
});
