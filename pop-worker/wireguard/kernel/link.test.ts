import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ip, needsRoot, testNamespace } from '#host/testing/namespace.ts';

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

const hasWireGuard = (namespace: string): boolean =>
  spawnSync('ip', ['-n', namespace, 'link', 'add', 'probe', 'type', 'wireguard']).status === 0;

/** What `wireguard run NAME --kernel` says there; it must fail. */
const saysIn = (namespace: string, name: string, ...before: string[]): string => {
  const words = [...before, process.execPath, MAIN, 'wireguard', 'run', name, '--kernel', '--foreground'];
  const { status, stderr } = spawnSync('ip', ['netns', 'exec', namespace, ...words], {
    ...{ encoding: 'utf8', timeout: 20_000 },
  });
  assert.equal(status, 1, stderr);
  return stderr;
};

test('a name that is taken or none, and a user who may not: a sentence each, and nothing is left', {
  skip: needsRoot,
}, (t) => {
  const { name } = testNamespace(t);
  ip('-n', name, 'link', 'add', 'taken', 'type', 'veth', 'peer', 'name', 'other');
  assert.match(saysIn(name, 'taken'), /: There is an interface taken already: remove it with `ip link delete taken`/);
  assert.match(saysIn(name, 'a/b'), /: `a\/b` is no name of an interface: it has 1 to 15 letters/);
  const asNobody = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
  assert.match(saysIn(name, 'wg0', ...asNobody), /: An interface may not be made by this user: run as root/);
  assert.equal(ip('-n', name, '-o', 'link').trim().split('\n').length, 3);
});

test('a kernel without WireGuard is a sentence with what to do', { skip: needsRoot }, (t) => {
  const { name } = testNamespace(t);
  if (hasWireGuard(name)) return t.skip('this kernel has WireGuard');
  const said = saysIn(name, 'wg0');
  assert.match(
    said,
    /: This machine’s kernel has no WireGuard: load the module with `modprobe wireguard`, or leave out/,
  );
  assert.equal(said.trim().split('\n').length, 1);
});
