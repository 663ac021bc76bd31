import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '#host/udp/address.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, packet } from '#protocol/ip/testing/packets.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import { type Host, Scene } from '#protocol/wireguard/testing/scene.ts';
import type { Notice } from '../commands.ts';
import { Endings } from '../endings.ts';
import { Faults } from '../faults.ts';
import { Carriers } from '../forward/carriers.ts';
import { Forwarder } from '../forward/forwarder.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import { PeerBook } from './peer-book.ts';
import { WireGuardSessions } from './sessions.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

/** A worker, and clients of numbers 1 and 2, in virtual time. */
const world = (most = Number.POSITIVE_INFINITY, begins = false) => {
  const scene = new Scene();
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
  tenants.defineTenant('acme', [prefix('10.0.0.0/16')]);
  const outside: Uint8Array[] = [];
  const faults = new Faults(() => {});
  const forwarder = new Forwarder({
    tenants,
    egress: { add: (buffer, view) => outside.push(buffer.slice(view.start, view.end)) > 0 },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    router4: address('192.0.2.1'),
    router6: address('2001:db8:a::1'),
  });
  const notices: Notice[] = [];
  const sent: number[] = [];
  const sessions: WireGuardSessions = new WireGuardSessions({
    ...{ core: () => worker.core, peers: () => book, forwarder, tenants, faults },
    ...{ notify: (notice) => void notices.push(notice), settles: false, mtu: 1420, afterTurn: () => {} },
    endFor: (ended, reason) => endings.endWhere(({ session }) => session === ended, reason),
    send: (peer) => sent.length < most && sent.push(peer) > 0,
  });
  const endings = new Endings([sessions]);
  const sink = {
    packets: (...packets: Parameters<WireGuardSessions['packets']>) => sessions.packets(...packets),
    confirmed: (peer: Peer) => sessions.isHere(peer),
    answered: (peer: Peer) => sessions.isHere(peer),
    expired: (peer: Peer) => sessions.expired(peer),
    moved: () => {},
  };
  const worker: Host = scene.add(9, { isRoutedByCaller: true, sink });
  const book = new PeerBook({
    ...{ core: worker.core, begins, isBarred: () => false },
    gone: ({ record }, reason) => sessions.gone(record.number, reason),
    changed: (known, before) => sessions.changed(known, before),
  });
  const clients = [scene.add(1), scene.add(2)] as const;
  for (const client of clients)
    scene.knows(client, worker, { endpoint: worker.address, allowedIps: [prefix('0.0.0.0/0')] });
  const records = clients.map(
    ({ id, core }): WireGuardPeer => ({
      ...{ tenant: 'acme', device: `d${id}`, number: id, publicKey: core.publicKey, egress: true },
      sources: [`10.0.${id}.1/32`],
    }),
  );
  book.change({ changed: records, removed: [] });
  while (book.addSome(9));
  const types = () => notices.splice(0).map((notice) => `${notice.type} ${'device' in notice ? notice.device : ''}`);
  const send = (from: Host, destination = '203.0.113.10', count = 1): void => {
    const packets = Array.from({ length: count }, () => packet({ source: `10.0.${from.id}.1`, destination }));
    from.sends(packets, scene.now);
    scene.settle();
  };
  return { send, scene, worker, clients, tenants, outside, sessions, endings, book, records, types, sent, forwarder };
};

test('a device is there with its first data, through new keys, until there were none for 540 s', () => {
  const { send, scene, worker, clients, tenants, outside, sessions, types } = world();
  const [client] = clients;
  // An initiation alone, whoever sends it, is not enough.
  scene.filter = (_, host) => host !== worker;
  send(client);
  assert.deepEqual([types(), tenants.sessionCount], [[], 0]);
  scene.filter = () => true;
  scene.run(6e6);
  assert.deepEqual([types(), sessions.size, tenants.sessionCount], [['connected d1'], 1, 1]);
  const [session] = tenants.sessions();
  for (let i = 0; i < 5; i++) {
    scene.run(100e6);
    send(client);
  }
  assert.deepEqual([types(), [...tenants.sessions()]], [[], [session]], 'it stays the same one');
  assert.equal(session?.counters.packetsUp, 6);
  assert.equal(outside.length, session?.counters.packetsUp);
  // Its keys are of 406 s.
  scene.run(435e6);
  assert.equal(sessions.size, 1);
  scene.run(10e6);
  assert.deepEqual([types(), sessions.size, tenants.sessionCount], [['disconnected d1'], 0, 0]);
  send(client);
  assert.deepEqual(types(), ['connected d1']);
});

test('who is ended, or no peer any more, is nobody until it begins anew', () => {
  const { send, worker, clients, tenants, sessions, endings, book, records, types } = world();
  for (const client of clients) send(client);
  assert.deepEqual(types(), ['connected d1', 'connected d2']);
  endings.endWhere(({ admitted }) => admitted.device === 'd1', 'revoked');
  assert.deepEqual([types(), tenants.sessionCount], [['disconnected d1'], 1]);
  const peer = worker.core.peer(clients[0].core.publicKey);
  assert.equal(peer?.keypairs.current, undefined, 'its keys are wiped');
  book.change({ changed: [], removed: records.slice(1).map(({ number }) => number) });
  while (book.addSome(9));
  assert.deepEqual([types(), sessions.size, endings.counters.revoked], [['disconnected d2'], 0, 2]);
  send(clients[1]);
  assert.deepEqual(types(), []);
  sessions.endAll('over');
  assert.deepEqual(types(), []);
});

test('another keepalive, egress, network or site counts at once, and the session goes on', () => {
  const { send, scene, worker, clients, tenants, outside, endings, book, records, types } = world();
  const [one, two] = clients;
  const [record, other] = records as [WireGuardPeer, WireGuardPeer];
  const set = (more: Partial<WireGuardPeer>): void => {
    book.change({ changed: [{ ...record, ...more }, other], removed: [] });
    while (book.addSome(9));
  };
  for (const client of clients) send(client);
  const [session] = tenants.sessions();
  const keys = worker.core.peer(one.core.publicKey)?.keypairs.current;
  assert.ok(keys);
  types();
  set({ egress: false });
  outside.length = 0;
  send(one);
  assert.deepEqual([outside.length, session?.carrier], [0, undefined], 'it may not leave its tenant');
  set({});
  send(one);
  assert.deepEqual([outside.length, session?.carrier === undefined], [1, false]);
  const kept = (): number => scene.trace(worker).filter((each) => each.endsWith('k')).length;
  set({ keepaliveSeconds: 5 });
  let before = kept();
  scene.run(21e6);
  assert.ok(kept() - before >= 4, `${kept() - before}`);
  set({});
  scene.run(1e6);
  before = kept();
  scene.run(60e6);
  assert.equal(kept(), before);
  const leadsTo = (host: string): boolean =>
    tenants.session(session?.routes?.lookup(address(host), 0, 4) ?? -1) === session;
  set({ sources: [...record.sources, '10.0.9.0/24'], site: 'berlin', metric: 7 });
  assert.deepEqual([leadsTo('10.0.9.4'), session?.rank], [true, 7]);
  const down = session?.counters.packetsDown ?? 0;
  send(two, '10.0.9.4');
  assert.equal(session?.counters.packetsDown, down + 1);
  set({ sources: [...record.sources, '10.0.9.0/24'], site: 'berlin', metric: 9, probe: '10.0.9.4' });
  assert.deepEqual([leadsTo('10.0.9.4'), session?.rank], [false, 9], 'it is asked first');
  set({});
  assert.deepEqual([leadsTo('10.0.9.4'), leadsTo('10.0.1.1'), session?.rank], [false, true, undefined]);
  assert.deepEqual([types(), [...tenants.sessions()][0]], [['site d1', 'site d1', 'no-site d1'], session]);
  assert.equal(worker.core.peer(one.core.publicKey)?.keypairs.current, keys);
  set({ sources: ['10.0.1.7/32'] });
  assert.deepEqual([types(), endings.counters.changed, endings.counters.revoked], [['disconnected d1'], 1, 0]);
});

test('another endpoint counts when the worker begins: a session stays where its device was heard', () => {
  const { send, scene, worker, clients, endings, book, records } = world(undefined, true);
  const [client] = clients;
  const [record] = records as [WireGuardPeer];
  const set = (host: string): void => {
    book.change({
      changed: [{ ...record, endpoint: { address: host, port: 51_820 }, keepaliveSeconds: 25 }],
      removed: [],
    });
    while (book.addSome(9));
  };
  send(client);
  const peer = worker.core.peer(client.core.publicKey) as Peer;
  set('10.0.0.77');
  assert.deepEqual(peer.endpoint.words.subarray(0, 6), client.address);
  endings.endWhere(() => true, 'expired');
  assert.deepEqual(peer.endpoint.words.subarray(0, 6), addressOf('10.0.0.77', 51_820));
  set('10.0.0.1');
  assert.deepEqual(peer.endpoint.words.subarray(0, 6), client.address);
  scene.run(30e6);
  assert.ok(peer.keypairs.current, 'it has begun there');
});

test('a device that comes back while its former session is still there has a new one', () => {
  const { send, scene, worker, clients, tenants, sessions, types } = world();
  const [client] = clients;
  send(client);
  const [former] = tenants.sessions();
  assert.ok(former);
  former.hasMoved = true;
  assert.equal(sessions.size, 0, 'it is counted where it is');
  send(client);
  assert.equal([...tenants.sessions()][0], former, 'what it sent before it knew is taken');
  // Routes lead here again: this worker has begun, and the client answers.
  const peer = worker.core.peer(client.core.publicKey) as Peer;
  worker.core.renewPeer(peer, scene.now + 6e6);
  scene.run(6e6);
  assert.deepEqual(types(), ['connected d1', 'disconnected d1', 'connected d1']);
  assert.notEqual([...tenants.sessions()][0], former);
  assert.equal(sessions.size, 1);
});

test('packets between two of them, and what finds no room on its way', () => {
  const { send, clients, sent, forwarder } = world(3);
  const [one] = clients;
  for (const client of clients) send(client);
  send(one, '10.0.2.1', 5);
  assert.deepEqual(sent, [2, 2, 2]);
  assert.equal(forwarder.counters.drops.of('session_queue_full'), 2);
});

test('a worker without others begins with peers whose place it knows, and keeps at it; else they come by themselves', () => {
  for (const begins of [true, false]) {
    const { scene, worker, clients, sessions, book, records, types } = world(undefined, begins);
    const [client] = clients;
    const [record] = records as [WireGuardPeer];
    const endpoint = { address: '10.0.0.1', port: 51_820 };
    assert.deepEqual(addressOf(endpoint.address, endpoint.port), client.address);
    book.change({ changed: [{ ...record, endpoint, keepaliveSeconds: 25 }], removed: [] });
    while (book.addSome(9));
    scene.run(0);
    assert.deepEqual(types(), begins ? ['connected d1'] : []);
    scene.filter = (_, host) => host !== client;
    scene.run(1000e6);
    assert.deepEqual([types(), sessions.size], [begins ? ['disconnected d1'] : [], 0]);
    scene.filter = () => true;
    scene.run(100e6);
    assert.deepEqual(types(), begins ? ['connected d1'] : []);
    assert.equal(scene.trace(worker).length > 0, begins);
  }
});

test('whoever has gone, or was just seen at another worker, is asked no more to go', () => {
  const { send, scene, worker, clients, sessions, book } = world();
  send(clients[0]);
  const begun = (): number => worker.core.totals.initiationsSent;
  const before = begun();
  sessions.renew([1, 2], scene.now);
  assert.equal(begun() - before, 1, 'the second was never here');
  const peer = book.get(1)?.peer as Peer;
  peer.vouchedForAt = scene.now;
  scene.run(149_000);
  sessions.renew([1], scene.now);
  assert.equal(begun() - before, 1);
  scene.run(1000);
  sessions.renew([1], scene.now);
  assert.equal(begun() - before, 2);
  scene.run(1e6);
  for (const { session } of sessions.live()) session.hasMoved = true;
  sessions.renew([1], scene.now);
  assert.equal(begun() - before, 2);
});

test('all are ended at once, and their keys are wiped', () => {
  const { send, worker, clients, tenants, sessions, types } = world();
  for (const client of clients) send(client);
  types();
  sessions.endAll('the worker was given up');
  assert.deepEqual([types(), tenants.sessionCount], [['disconnected d1', 'disconnected d2'], 0]);
  for (const peer of worker.core.peers) assert.equal(peer.keypairs.current, undefined);
});

test('a keepalive is sent where the device is, and nowhere else', () => {
  const { send, scene, worker, clients, endings, book, records } = world();
  const [client] = clients;
  const [record] = records as [WireGuardPeer];
  book.change({ changed: [{ ...record, keepaliveSeconds: 5 }], removed: [] });
  while (book.addSome(9));
  const kept = (): number => scene.trace(worker).filter((each) => each.endsWith('k')).length;
  scene.run(20e6);
  assert.equal(kept(), 0);
  send(client);
  scene.run(21e6);
  const before = kept();
  assert.ok(before >= 4, `${before}`);
  endings.endWhere(() => true, 'moved');
  scene.run(60e6);
  assert.equal(kept(), before);
});
