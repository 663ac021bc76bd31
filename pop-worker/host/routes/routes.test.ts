import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { addRoutes, removeRoute, setLinkUp } from './routes.ts';

const NO = { skip: needsRoot };

test('a link is set up without a link-local address, and prefixes lead there', NO, (t) => {
  const { name, path } = testNamespace(t);
  const seen = (...args: string[]): Record<string, unknown>[] => JSON.parse(ip('-n', name, '-j', ...args) || '[]');
  for (const device of ['t0', 't1'])
    ip('-n', name, 'link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}p`);
  inNamespace(path, () => {
    setLinkUp('t0', 1280);
    setLinkUp('t1', 1400);
    addRoutes('t0', ['100.64.0.0/10', 'fd00:1::/48', 'fd00:2::/48']);
    // Again: there is no harm; and elsewhere, where it is moved to.
    addRoutes('t0', ['100.64.0.0/10', 'fd00:1::/48']);
    addRoutes('t1', ['100.64.0.0/10', 'fd00:2::/48']);
  });
  const [link] = seen('link', 'show', 'dev', 't0');
  assert.deepEqual([link?.['mtu'], ((link?.['flags'] ?? []) as string[]).includes('UP')], [1280, true]);
  assert.deepEqual(
    seen('-6', 'address', 'show', 'dev', 't0').flatMap(({ addr_info: info = [] }) => info),
    [],
  );
  assert.deepEqual(
    seen('route').map(({ dst, dev, scope, protocol }) => [dst, dev, scope, protocol]),
    [['100.64.0.0/10', 't1', 'link', '203']],
  );
  const of6 = (): unknown[] =>
    seen('-6', 'route').map(({ dst, dev, metric, protocol }) => [dst, dev, metric, protocol]);
  assert.deepEqual(of6(), [
    ['fd00:1::/48', 't0', 1024, '203'],
    ['fd00:2::/48', 't1', 1024, '203'],
  ]);
  inNamespace(path, () => removeRoute('t0', 'fd00:1::/48'));
  assert.deepEqual(of6(), [['fd00:2::/48', 't1', 1024, '203']]);
  assert.throws(() => inNamespace(path, () => removeRoute('t0', 'fd00:1::/48')), {
    message: 'the kernel refuses a route: no such process (ESRCH)',
  });
  assert.throws(() => inNamespace(path, () => addRoutes('none', ['fd00:1::/48'])), {
    message: 'the kernel refuses to tell of a link: no such device (ENODEV)',
  });
});
