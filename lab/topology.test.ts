import assert from 'node:assert/strict';
import test from 'node:test';
import { anycastRoutes, forwards, hostBatch, linkBatch, makeTopology, POP_NAMES } from './topology.ts';

test('the names and addresses that others rely on', () => {
  const { hosts } = makeTopology('cb', 3);
  assert.deepEqual(hosts, [
    'upstream',
    'internet',
    'control',
    'moscow',
    'frankfurt',
    'amsterdam',
    'client1',
    'client2',
    'client3',
    'client4',
    'client5',
  ]);
  const internet = hostBatch(makeTopology('cb', 3), 'internet');
  assert.match(internet, /^address add 203\.0\.113\.10\/24 dev upstream$/m);
  assert.match(internet, /^address add 2001:db8:f::10\/64 dev upstream nodad$/m);
});

test('no address is given twice', () => {
  const { links } = makeTopology('cb', 3);
  const addresses = links.flatMap(({ upstream, host }) => [upstream.v4, upstream.v6, host.v4, host.v6]);
  assert.equal(new Set(addresses).size, addresses.length);
});

for (const pops of [1, 2, 3]) {
  test(`with ${pops} PoPs only those hold the anycast address, and upstream prefers them in order`, () => {
    const topology = makeTopology('cb', pops);
    for (const host of topology.hosts) {
      const holds = hostBatch(topology, host).includes('192.0.2.1/32 dev lo');
      assert.equal(holds, topology.pops.includes(host), host);
    }
    const metrics = [...hostBatch(topology, 'upstream').matchAll(/replace 192\.0\.2\.1 via \S+ metric (\d+)/g)];
    assert.deepEqual(
      metrics.map((match) => Number(match[1])),
      POP_NAMES.slice(0, pops).map((_, i) => 100 + i),
    );
  });
}

test('laying and withdrawing name the same routes', () => {
  const topology = makeTopology('cb', 3);
  const laid = anycastRoutes(topology, 'frankfurt', 'replace');
  assert.equal(laid.replaceAll('replace', 'delete'), anycastRoutes(topology, 'frankfurt', 'delete'));
});

test('links join namespaces that carry the name of the lab', () => {
  const batch = linkBatch(makeTopology('two', 1));
  assert.equal(batch.trimEnd().split('\n').length, 8);
  assert.match(batch, /netns two-upstream type veth peer name upstream mtu 1500 netns two-moscow$/m);
});

test('routers forward, ends do not', () => {
  const topology = makeTopology('cb', 3);
  assert.deepEqual(
    topology.hosts.filter((host) => forwards(topology, host)),
    ['upstream', 'moscow', 'frankfurt', 'amsterdam'],
  );
});
