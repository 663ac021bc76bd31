import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { HealthChange } from '../balance/wanted.ts';
import { HealthChecker } from './health-checker.ts';
import type { CheckNotice } from './health-checks.ts';
import type { CheckTarget } from './wanted.ts';

const target = (backend: string, port: number): CheckTarget => ({
  ...{ service: 'tcp 203.0.113.1:80', backend, isDraining: false },
  check: { kind: 'tcp', port, intervalMs: 100, timeoutMs: 100, rise: 1, fall: 1 },
});

/** A checker, with what it has said so far. */
const started = (t: TestContext) => {
  const changes: HealthChange[] = [];
  const notices: CheckNotice[] = [];
  const checker = new HealthChecker({
    apply: (list) => void changes.push(...list),
    notify: (notice) => void notices.push(notice),
  });
  t.after(() => checker.close());
  const until = async (is: () => boolean): Promise<void> => {
    for (const end = Date.now() + 10_000; !is(); await new Promise((resolve) => setTimeout(resolve, 5)))
      if (Date.now() > end) throw new Error(JSON.stringify(checker.status()));
  };
  const healthOf = (backend: string) =>
    checker.status().services[0]?.backends.find(({ address }) => address === backend)?.health;
  return { checker, changes, notices, until, healthOf };
};

test('who listens is up, who stops is down, who comes back is up again', async (t) => {
  const { checker, changes, until, healthOf } = started(t);
  const [one, other] = [createServer(), createServer()];
  // Where only one of the two addresses of loopback is listened at.
  await once(one.listen(0, '127.0.0.1'), 'listening');
  const { port } = one.address() as AddressInfo;
  await once(other.listen(port, '127.0.0.2'), 'listening');
  t.after(() => one.close());
  checker.set([target('127.0.0.1', port), target('127.0.0.2', port)]);
  await until(() => healthOf('127.0.0.1') === 'up' && healthOf('127.0.0.2') === 'up');
  assert.deepEqual(changes, []);
  other.close();
  await until(() => changes.length === 1);
  assert.deepEqual(changes.at(-1), { service: 'tcp 203.0.113.1:80', backend: '127.0.0.2', health: 'down' });
  const again = createServer();
  await once(again.listen(port, '127.0.0.2'), 'listening');
  t.after(() => again.close());
  await until(() => changes.length === 2);
  assert.deepEqual(changes.at(-1), { service: 'tcp 203.0.113.1:80', backend: '127.0.0.2', health: 'up' });
});

test('where nobody listens at all it says so once, and takes nobody away; closed it asks nobody any more', async (t) => {
  const { checker, changes, notices, until, healthOf } = started(t);
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  checker.set([target('127.0.0.1', port)]);
  await until(() => healthOf('127.0.0.1') === 'down');
  await until(() => checker.status().counts.tcp.failed >= 3);
  assert.deepEqual(changes, []);
  assert.deepEqual(
    notices.map(({ of }) => of),
    ['backend', 'service'],
  );
  let asked = 0;
  const late = createServer(() => void asked++);
  await once(late.listen(port, '127.0.0.1'), 'listening');
  t.after(() => late.close());
  checker.close();
  checker.set([target('127.0.0.1', port)]);
  // Three intervals: what is not there can only be waited for.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(asked, 0);
});
