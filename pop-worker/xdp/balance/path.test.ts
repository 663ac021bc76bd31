import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { bpfFileSystem } from '#host/bpf/pins.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '#host/testing/namespace.ts';
import { XdpFile } from '#settings/xdp-file.ts';
import { FileFront } from '../front-of-file.ts';
import { balancedNet, Callers, Runner, VIP, VIP6 } from '../testing/balanced-net.ts';

const NO = { skip: needsRoot };

interface Backend {
  readonly address: string;
  readonly drain?: boolean;
}

const service = (address: string, encapsulation: string, backends: readonly Backend[]): string =>
  [
    ...[
      '[[service]]',
      `address = "${address}"`,
      'protocol = "tcp"',
      'port = 8080',
      `encapsulation = "${encapsulation}"`,
    ],
    ...backends.flatMap(({ address: at, drain = false }) => [
      '[[service.backend]]',
      `address = "${at}"`,
      `drain = ${drain}`,
    ]),
  ].join('\n');

const fileOf = (folder: string, services: readonly string[]): string =>
  [
    'mode = "generic"',
    `socket = "${path.join(folder, 'xdp.sock')}"`,
    '[balance]',
    'connections = 1024',
    ...services,
  ].join('\n');

test('TCP through the balancer: all backends, a restart, one that drains, one that goes', NO, async (t) => {
  const net = await balancedNet(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'cbx-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'xdp.toml');
  const plain = net.addresses.map((address) => ({ address }));
  const plain6 = net.addresses6.map((address) => ({ address }));
  const six = service(VIP6, 'gue', plain6);
  writeFileSync(file, fileOf(folder, []));
  let runner = await Runner.start(net.balancer, net.device, file);
  t.after(() => runner.stop('SIGTERM'));

  // Another program comes with the first service, while it runs.
  await runner.reload(file, fileOf(folder, [service(VIP, 'ipip', plain), six]));
  const callers = new Callers(t, net.client);
  const names = await callers.open(VIP, 24);
  assert.equal(new Set(names).size, 3);
  const names6 = await callers.open(VIP6, 12);
  assert.equal(new Set(names6).size, 3);
  names.push(...names6);

  // Killed: packets go on. Started again: so do connections.
  await runner.stop('SIGKILL');
  assert.deepEqual(
    await callers.alive(),
    names.map(() => true),
  );
  runner = await Runner.start(net.balancer, net.device, file);
  assert.deepEqual(
    await callers.alive(),
    names.map(() => true),
  );

  const [one, ...others] = plain as [Backend, ...Backend[]];
  await runner.reload(file, fileOf(folder, [service(VIP, 'ipip', [{ ...one, drain: true }, ...others]), six]));
  assert.deepEqual(
    await callers.alive(),
    names.map(() => true),
  );
  const late = await callers.open(VIP, 12);
  assert.ok(late.every((name) => name !== 'backend-1'));
  names.push(...late);

  await runner.reload(file, fileOf(folder, [service(VIP, 'ipip', others), six]));
  // Whoever has the connections of the one that is gone now knows nothing of them.
  const isBroken = (name: string, i: number): boolean => name === 'backend-1' && i < 24;
  assert.deepEqual(
    await callers.alive(),
    names.map((name, i) => !isBroken(name, i)),
  );
});

test('what cannot be attached leaves nothing behind; in any mode it is behind the driver then', NO, (t) => {
  const { path: namespace } = testNamespace(t);
  const name = `cbn${process.pid}`;
  const service = [{ address: VIP, protocol: 'tcp', port: 8080 }];
  const file = XdpFile.parse({ mode: 'native', service });
  inNamespace(namespace, () => {
    // A driver that runs no programs.
    ip('link', 'add', name, 'type', 'bridge');
    assert.throws(() => new FileFront(name, file, '/none'), { code: 'ENOTSUP' });
  });
  const pins = path.join(bpfFileSystem(), 'cloudbridge', name);
  assert.equal(existsSync(pins), false);
  inNamespace(namespace, () => {
    const front = new FileFront(name, XdpFile.parse({ service }), '/none');
    assert.equal(front.status().mode, 'generic');
    assert.equal(existsSync(pins), true);
    front.stop();
  });
  assert.equal(existsSync(pins), false);
});
