import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { native } from '../native.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { addressOf } from '../udp/address.ts';
import { EchoProbe } from './echo-probe.ts';

const HERE = { v4: '10.99.0.1', v6: '2001:db8:99::1' };
const THERE = { v4: '10.99.0.2', v6: '2001:db8:99::2' };

/** Two namespaces on a link; the far one answers. */
const link = (t: TestContext) => {
  const near = testNamespace(t);
  const far = testNamespace(t);
  ip('-n', near.name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', far.name);
  for (const [{ name }, device, { v4, v6 }] of [
    [near, 'v0', HERE],
    [far, 'v1', THERE],
  ] as const) {
    ip('-n', name, 'address', 'add', `${v4}/24`, 'dev', device);
    ip('-n', name, 'address', 'add', `${v6}/64`, 'dev', device, 'nodad');
    ip('-n', name, 'link', 'set', device, 'up');
  }
  const open = (address: string, device?: string): EchoProbe => {
    const probe = inNamespace(near.path, () => new EchoProbe(address, device));
    t.after(() => probe.close());
    return probe;
  };
  return { near, far, open };
};

/** A link that has just come up takes up to a second until IPv6 uses it. */
const answered = async (probe: EchoProbe): Promise<void> => {
  let reason: string | undefined = '';
  for (let i = 0; i < 50 && reason !== undefined; i++) reason = await probe.ask(100);
  assert.equal(reason, undefined);
};

for (const family of ['v4', 'v6'] as const) {
  test(`an address that answers, one that does not any more, and again (${family})`, { skip: needsRoot }, async (t) => {
    const { far, open } = link(t);
    const probe = open(THERE[family], 'v0');
    await answered(probe);
    for (let i = 0; i < 3; i++) assert.equal(await probe.ask(1000), undefined);
    ip('-n', far.name, 'link', 'set', 'v1', 'down');
    assert.match((await probe.ask(50)) ?? '', /gave no echo by v0 within 50 ms|cannot be asked by v0/);
    ip('-n', far.name, 'link', 'set', 'v1', 'up');
    if (family === 'v6') ip('-n', far.name, 'address', 'replace', `${THERE.v6}/64`, 'dev', 'v1', 'nodad');
    await answered(probe);
  });
}

test('two that ask the same address each take their own answers', { skip: needsRoot }, async (t) => {
  const { open } = link(t);
  const [one, other] = [open(THERE.v4), open(THERE.v4)];
  for (let i = 0; i < 20; i++)
    assert.deepEqual(await Promise.all([one.ask(1000), other.ask(1000)]), [undefined, undefined]);
});

test('an answer to an earlier question is none to this one', { skip: needsRoot }, async (t) => {
  const { near } = link(t);
  const descriptor = inNamespace(near.path, () => native.echoOpen(addressOf(THERE.v4), ''));
  t.after(() => native.echoClose(descriptor));
  for (const sequence of [1, 65_535]) native.echoSend(descriptor, 7, sequence);
  const got: number[] = [];
  while (got.length < 2) {
    const sequence = native.echoReceive(descriptor, 7);
    if (sequence >= 0) got.push(sequence);
    await new Promise(setImmediate);
  }
  assert.deepEqual(got, [1, 65_535]);
  native.echoSend(descriptor, 8, 3);
  for (let i = 0; i < 20; i++) {
    assert.equal(native.echoReceive(descriptor, 7), -1, "another identifier's");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
});

test('where there is no route it says so, and a wrong address or interface is refused', { skip: needsRoot }, (t) => {
  const { near } = link(t);
  assert.throws(() => inNamespace(near.path, () => new EchoProbe('192.0.2.1')), { code: 'ENETUNREACH' });
  assert.throws(() => inNamespace(near.path, () => new EchoProbe(THERE.v4, 'nosuch')), { code: 'ENODEV' });
  assert.throws(() => new EchoProbe('router'));
});

test('what is closed while it waits says so', { skip: needsRoot }, async (t) => {
  const { near, far } = link(t);
  ip('-n', far.name, 'link', 'set', 'v1', 'down');
  const probe = inNamespace(near.path, () => new EchoProbe(THERE.v4));
  const asked = probe.ask(10_000);
  probe.close();
  assert.match((await asked) ?? '', /is asked no more|cannot be asked/);
});
