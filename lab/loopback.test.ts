import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { takePlace } from './loopback.ts';

/** Blocks that no lab takes. */
const BLOCKS = '127.67';

const taken = async (t: TestContext) => {
  const block = await takePlace(3, BLOCKS);
  t.after(block.release);
  return block;
};

const listen = (t: TestContext, host: string, port: number): Promise<net.Server> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(port, host, () => resolve(server));
    t.after(() => server.close());
  });

test('labs beside each other have addresses of their own, which the next one gets when one is over', async (t) => {
  const [one, two] = [await taken(t), await taken(t)];
  assert.notEqual(one.place.control.address, two.place.control.address);
  await one.release();
  assert.equal((await taken(t)).place.control.address, one.place.control.address);
});

test('no two things of a lab listen in the same place, and devices may reach the internet host alone', async (t) => {
  const { place } = await taken(t);
  const workers = place.pops.map((pop) => place.worker(pop));
  const devices = [0, 1, 2, 3].map((index) => place.socks?.(index));
  const places = [
    place.control.address,
    place.internet.v4.address,
    ...workers.flatMap(({ addresses }) => addresses),
    ...devices.map((at) => at?.split(':')[0]),
  ];
  assert.equal(new Set(places).size, places.length);
  assert.deepEqual(place.servers[1], `https://${workers[1]?.addresses[0]}:${workers[1]?.port}`);
  for (const { settings } of workers) {
    assert.deepEqual(settings, {
      tun: { enabled: false },
      proxy: { allowed: [`${place.internet.v4.address}/32`] },
    });
  }
});

test('a port that something else has is named with the mend, and the block is given back', async (t) => {
  const { place, release } = await takePlace(3, BLOCKS);
  await release();
  const server = await listen(t, place.control.address, 4222);
  const tcp = new RegExp(`^LabError: ${place.control.address}:4222/tcp is in use by another program.*ss -ltnp.*or run`);
  await assert.rejects(takePlace(3, BLOCKS), tcp);
  await new Promise((resolve) => server.close(resolve));
  const [address = ''] = place.worker('frankfurt').addresses;
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(8443, address, resolve));
  await assert.rejects(takePlace(3, BLOCKS), /:8443\/udp is in use by another program.*ss -lunp/);
  // A lab of one PoP does not have that address.
  await (await takePlace(1, BLOCKS)).release();
  await new Promise<void>((resolve) => socket.close(resolve));
  await (await takePlace(3, BLOCKS)).release();
});

test('what listens in a block is seen, TCP and UDP, and nothing of other blocks', async (t) => {
  const { place, listening } = await taken(t);
  const other = await taken(t);
  const guard = place.control.address.replace(/\d+$/, '1');
  assert.deepEqual(listening(), [`${guard}:4221/tcp`]);
  await listen(t, place.control.address, 9443);
  const socket = dgram.createSocket('udp4');
  t.after(() => socket.close());
  await new Promise<void>((resolve) => socket.bind(8443, place.internet.v4.address, resolve));
  assert.deepEqual(listening().toSorted(), [
    `${place.internet.v4.address}:8443/udp`,
    `${guard}:4221/tcp`,
    `${place.control.address}:9443/tcp`,
  ]);
  assert.equal(other.listening().length, 1);
});
