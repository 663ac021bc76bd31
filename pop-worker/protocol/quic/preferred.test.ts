import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealedPacket } from './testing/injector.ts';
import type { Datagram } from './testing/link.ts';
import { address, Pair, type PairOptions } from './testing/pair.ts';
import { pattern } from './testing/sinks.ts';

const PREFERRED = address(8, 4433);
const same = (a: Int32Array, b: Int32Array): boolean => a.join() === b.join();
const atPreferred = ({ to }: Datagram): boolean => same(to, PREFERRED);

const connected = (options: PairOptions = {}) => {
  const pair = new Pair({ server: { preferredAddress: { ipv4: PREFERRED } }, ...options });
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  return { pair, connection };
};

test('RFC 9000 §9.6: client and server meet at the preferred address', () => {
  const { pair, connection } = connected();
  pair.run(() => false, 10_000_000);
  const server = pair.accepted.parts;
  assert.ok(same(connection.parts.paths.active.remote, PREFERRED));
  assert.ok(same(server.paths.active.local, PREFERRED));
  const from = new Set<string>();
  pair.onServerSends = (datagram) => from.add(datagram.from.join());
  connection.write(connection.openStream(true), pattern(50_000), true);
  assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
  assert.deepEqual([...from], [PREFERRED.join()]);
});

test('RFC 9000 §9.6.2: a server probes from its preferred address, and sends the rest from there once it is answered', () => {
  // The client's answers to the server's challenges get lost.
  let lossy = true;
  let arrived = 0;
  const drop = (datagram: Datagram) => atPreferred(datagram) && arrived++ > 0 && lossy;
  const { pair, connection } = connected({ toServer: { delayUs: 10_000, drop } });
  const server = pair.accepted.parts;
  const sentFromThere: number[] = [];
  pair.onServerSends = ({ from, bytes }) => {
    if (same(from, PREFERRED)) sentFromThere.push(bytes.length);
  };
  pair.run(() => false, 200_000);
  assert.ok(sentFromThere.length > 0);
  // Something that is no probe arrives there; its path is not validated.
  const wrote = pattern(30_000);
  pair.accepted.write(pair.accepted.openStream(false), wrote, true);
  pair.run(() => false, 200_000);
  assert.ok(same(server.paths.active.local, pair.serverAddress), 'data goes from the original address');
  lossy = false;
  assert.ok(pair.run(() => same(server.paths.active.local, PREFERRED)));
  assert.ok(pair.run(() => pair.clientSink.finished.has(3)));
  assert.ok(connection.parts.paths.active.validated);
});

test('RFC 9000 §9.6.2: a packet at the preferred address moves nothing before the path is validated', () => {
  const { pair, connection } = connected({ client: { followPreferredAddress: false } });
  const server = pair.accepted.parts;
  const packet = sealedPacket(connection, Uint8Array.of(1));
  const seen: string[] = [];
  pair.onServerSends = ({ from }) => seen.push(from.join());
  pair.dropTo = undefined;
  const original = pair.serverAddress.slice();
  pair.serverAddress.set(PREFERRED);
  pair.sendToServer(packet);
  pair.serverAddress.set(original);
  pair.run(() => seen.includes(PREFERRED.join()), 100_000);
  assert.ok(seen.includes(PREFERRED.join()), 'it is asked from there');
  assert.ok(same(server.paths.active.local, original));
});

test('RFC 9000 §9.6.3: a client that moves meanwhile asks both addresses, and goes to the preferred one', () => {
  let held = true;
  const drop = (datagram: Datagram) => held && atPreferred(datagram);
  const { pair, connection } = connected({ toServer: { delayUs: 10_000, drop } });
  pair.run(() => false, 50_000);
  const moved = address(5, 5000);
  pair.clientAddress = moved;
  const asked = new Set<string>();
  pair.onClientSends = ({ to, from }) => {
    if (same(from, moved)) asked.add(to.join());
  };
  assert.equal(connection.migrate(moved, pair.now), undefined);
  pair.run(() => false, 100_000);
  assert.deepEqual([...asked].sort(), [PREFERRED.join(), pair.serverAddress.join()].sort());
  held = false;
  assert.ok(pair.run(() => same(connection.parts.paths.active.remote, PREFERRED)));
  assert.ok(same(connection.parts.paths.active.local, moved));
  assert.equal(connection.parts.paths.count, 1);
});

test('RFC 9000 §9.6.3: …and stays with the original one where the preferred one is silent', () => {
  const { pair, connection } = connected({ toServer: { delayUs: 10_000, drop: atPreferred } });
  assert.ok(pair.run(() => connection.parts.peerCids.available > 0));
  pair.clientAddress = address(5, 5000);
  assert.equal(connection.migrate(pair.clientAddress, pair.now), undefined);
  pair.run(() => false, 10_000_000);
  assert.ok(same(connection.parts.paths.active.remote, pair.serverAddress));
  assert.ok(connection.parts.paths.active.validated);
  assert.equal(connection.parts.paths.count, 1);
});

test('RFC 9000 §9.6.3: who comes to the preferred address from elsewhere gets three times what it sent', () => {
  const { pair, connection } = connected({ client: { followPreferredAddress: false } });
  const stranger = address(77, 7000);
  const original = pair.serverAddress.slice();
  const packet = sealedPacket(connection, Uint8Array.of(1));
  pair.dropTo = stranger;
  const home = pair.clientAddress;
  pair.clientAddress = stranger;
  pair.serverAddress.set(PREFERRED);
  pair.sendToServer(packet);
  pair.serverAddress.set(original);
  pair.clientAddress = home;
  let there = 0;
  pair.onServerSends = ({ to, bytes }) => {
    if (same(to, stranger)) there += bytes.length;
  };
  pair.accepted.write(pair.accepted.openStream(false), pattern(100_000), true);
  pair.run(() => false, 5_000_000);
  assert.ok(there <= 3 * packet.length, `${there}`);
  assert.ok(pair.run(() => pair.clientSink.finished.has(3)));
});
