import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { deviceOf, EDGE4, INTERNET4, INTERNET6, needsNamespaces, World } from './testing/world.ts';

const PORT = 9999;
/** What the worker has towards the internet: the only addresses of the flow's other end that this host knows. */
const OUTSIDE = { 4: '203.0.113.1', 6: '2001:db8:f::1' } as const;
/** Of the device's link: what fits the worker's TUN does not fit the tunnel then. */
const LINK_MTU = 1400;

/** Answers each UDP message with as many bytes and as many hops as it asks for. */
const ANSWERING = `
for (const [type, address] of [['udp4', '${INTERNET4}'], ['udp6', '${INTERNET6}']]) {
  const socket = require('node:dgram').createSocket(type);
  socket.on('message', (message, { port, address: to }) => {
    const { hops, bytes } = JSON.parse(message);
    socket.setTTL(hops);
    socket.send(Buffer.alloc(bytes), port, to, () => {});
  });
  socket.on('error', () => {});
  socket.bind(${PORT}, address, () => console.log('bound'));
}`;

/** Sends orders from one port, a second apart; says how many were answered. */
const asking = (family: 4 | 6, address: string, orders: readonly object[]): string => `
const socket = require('node:dgram').createSocket('udp${family}');
let answers = 0;
socket.on('message', () => answers++);
const orders = ${JSON.stringify(orders)};
const next = () => {
  const order = orders.shift();
  if (order === undefined) { console.log(answers); process.exit(); }
  socket.send(JSON.stringify(order), ${PORT}, '${address}');
  setTimeout(next, 500);
};
next();`;

/** Has the kernel of the internet host note where ICMP errors come from. */
const noted = (world: World) => {
  const rules = `
    table inet watch {
      set errors4 { type ipv4_addr . icmp_type; flags dynamic; size 100; }
      set errors6 { type ipv6_addr . icmpv6_type; flags dynamic; size 100; }
      chain input {
        type filter hook input priority filter; policy accept;
        icmp type { destination-unreachable, time-exceeded } add @errors4 { ip saddr . icmp type }
        icmpv6 type { packet-too-big, time-exceeded } add @errors6 { ip6 saddr . icmpv6 type }
      }
    }`;
  world.run(world.internetNamespace, 'nft', rules);
  return (family: 4 | 6): string[] => {
    const text = world.run(world.internetNamespace, 'nft', '-j', 'list', 'set', 'inet', 'watch', `errors${family}`);
    const { nftables } = JSON.parse(text) as { nftables: { set?: { elem?: { concat: string[] }[] } }[] };
    return nftables
      .flatMap(({ set }) => set?.elem ?? [])
      .map(({ concat }) => concat.join(' '))
      .sort();
  };
};

const answering = async (t: TestContext, world: World): Promise<void> => {
  const inside = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', world.internetNamespace];
  const child = spawn('setpriv', [...inside, process.execPath, '-e', ANSWERING], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  await world.until('the host listens', () => text === 'bound\nbound\n');
};

/** Sends what has too few hops and what is too large to a device; the errors that come of it must come from there. */
const reports = async (t: TestContext, world: World, from: Readonly<Record<4 | 6, string>>): Promise<void> => {
  const errors = noted(world);
  await answering(t, world);
  const device = await world.connect(deviceOf('red', 2), EDGE4, [], world.clientNamespace(LINK_MTU));
  await device.reports.of('up');
  const orders = [
    { hops: 64, bytes: 100 },
    // The worker's kernel takes one, its data plane the other.
    { hops: 2, bytes: 100 },
    { hops: 64, bytes: 1340 },
  ];
  for (const [family, address] of [
    [4, INTERNET4],
    [6, INTERNET6],
  ] as const) {
    const answers = await world.exec(device.namespace, process.execPath, '-e', asking(family, address, orders));
    assert.equal(answers, '1\n', `IPv${family}: only what is small and has hops left arrives`);
  }
  const dropped = (reason: string) => world.metric(`cloudbridge_forward_dropped_packets_total{reason="${reason}"}`);
  assert.deepEqual(errors(4), [`${from[4]} destination-unreachable`, `${from[4]} time-exceeded`]);
  assert.deepEqual(errors(6), [`${from[6]} packet-too-big`, `${from[6]} time-exceeded`]);
  assert.deepEqual([await dropped('hop_limit'), await dropped('too_big')], [2, 2]);
};

test('an ICMP error towards the internet comes from the address that its host sent to, and is understood', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  await world.startWorker();
  await reports(t, world, OUTSIDE);
  for (const address of Object.values(OUTSIDE)) {
    const route = world.run(world.internetNamespace, 'ip', 'route', 'get', address);
    assert.match(route, / mtu 1[23]\d\d/, 'the host sends no more than the tunnel takes');
  }
});

test('where nothing is translated, ICMP errors come from the addresses that the file says', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  const from = { 4: '198.18.0.7', 6: '2001:db8:77::1' };
  await world.configure({ tun: `masquerade = false\nrouter4 = "${from[4]}"\nrouter6 = "${from[6]}"` });
  for (const [prefix, gateway] of [
    ['100.64.0.0/16', OUTSIDE[4]],
    ['fd00:1::/48', OUTSIDE[6]],
  ] as const) {
    world.run(world.internetNamespace, 'ip', 'route', 'add', prefix, 'via', gateway);
  }
  await world.startWorker();
  await reports(t, world, from);
});
