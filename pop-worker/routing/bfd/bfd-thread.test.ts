import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { inNamespace, ip, needsRoot } from '#host/testing/namespace.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import type { AuthenticationOptions } from '#protocol/bfd/authentication/table.ts';
import { SINGLE_HOP_PORT } from '#protocol/bfd/options.ts';
import { ControlPacket, writePacket } from '#protocol/bfd/packet.ts';
import { Diagnostic, State } from '#protocol/bfd/state.ts';
import { Burst, D_ECN, D_LENGTH, D_REMOTE, DESCRIPTOR_WORDS, HOP_LIMIT_SHIFT } from '#protocol/burst.ts';
import { slotOf } from '#telemetry/slots.ts';
import { BfdThread } from './bfd-thread.ts';
import { FAST, Heard, startThread, until } from './testing/heard.ts';
import { joinEnds, type LinkEnd, type LinkLocal, linkLocal, testLink } from './testing/link.ts';
import { startPair } from './testing/pair.ts';

const root = { skip: needsRoot };
const dropped = (reason: 'kernel' | 'version') => slotOf('cloudbridge_bfd_dropped_packets_total', { reason });
const RECEIVED = slotOf('cloudbridge_bfd_packets_total', { direction: 'received' });

test('IPv6: two threads come Up over a link at 3 times 50 ms, bound to their interface', root, async (t) => {
  const [a, b] = testLink(t);
  const [one, other] = [startThread(t, { namespace: a.path }), startThread(t, { namespace: b.path })];
  const mine = new Heard(one, { ...FAST, local: a.address6, remote: b.address6, device: a.device });
  const theirs = new Heard(other, { ...FAST, local: b.address6, remote: a.address6, device: b.device });
  await Promise.all([mine.up(), theirs.up()]);
  await until(
    'both go fast',
    () => mine.stat('detectionTimeUs') === 150_000 && theirs.stat('detectionTimeUs') === 150_000,
  );
  await until('that is told', () => mine.changes.at(-1)?.to === State.up);
});

test('a session that is closed is told AdminDown, and may be opened again at once', root, async (t) => {
  const {
    mine,
    theirs,
    threads,
    ends: [a, b],
  } = await startPair(t);
  mine.session.close();
  await until('the other is told', () => theirs.is(State.down));
  await until('that is told', () => theirs.changes.at(-1)?.remoteState === State.adminDown);
  const again = new Heard(threads[0], { ...FAST, local: a.address4, remote: b.address4 });
  await Promise.all([again.up(), theirs.up()]);
  assert.equal(mine.changes.at(-1)?.to, State.up, 'nothing is heard of what was closed');
});

test('a thread that is stopped takes its sessions down administratively', root, async (t) => {
  const { theirs, threads } = await startPair(t);
  assert.equal(threads[0].isAlive(), true);
  await threads[0].stop();
  await until('the other is told', () => theirs.is(State.down));
  await until('that is told', () => theirs.changes.at(-1)?.remoteState === State.adminDown);
  await until('it is known not to live', () => !threads[0].isAlive());
});

test('commands: timing, disable, enable, and a timing that cannot be', root, async (t) => {
  const { mine, theirs } = await startPair(t);
  mine.session.setTiming({ desiredMinTxUs: 100_000, requiredMinRxUs: 100_000, detectMult: 5 });
  await until('the neighbour waits longer', () => theirs.stat('detectionTimeUs') === 500_000);
  mine.session.setTiming({ ...FAST, detectMult: 0 });
  await until('it is told', () => mine.said.some((text) => text.startsWith('kept: ')));
  assert.match(mine.said.at(-1) ?? '', /detect multiplier 0 is not from 1 to 255/);
  mine.session.disable(Diagnostic.pathDown);
  await until('the other is told', () => theirs.is(State.down));
  assert.equal(theirs.stat('remoteDiagnostic'), Diagnostic.pathDown);
  mine.session.enable();
  await Promise.all([mine.up(), theirs.up()]);
});

test('authentication: SHA1 over the link, and no session with another key', root, async (t) => {
  const key = (text: string): AuthenticationOptions => ({
    type: 'meticulous_keyed_sha1',
    keys: [{ id: 1, secret: new TextEncoder().encode(text) }],
  });
  const {
    mine,
    threads,
    ends: [a, b],
  } = await startPair(t, {}, { authentication: key('one') });
  mine.session.close();
  const wrong = new Heard(threads[0], { ...FAST, local: a.address4, remote: b.address4, authentication: key('other') });
  await until('packets are discarded', () => wrong.stat('discarded') >= 2);
  assert.equal(wrong.is(State.down), true);
});

/** A socket of an end that is none of BFD's. */
const socketAt = (t: TestContext, end: LinkEnd, port: number, networkControl = false): UdpSocket => {
  const options = { address: end.address4, port, hopLimit: true, networkControl, gro: false, slotBytes: 256 };
  const socket = inNamespace(end.path, () => UdpSocket.open(options));
  t.after(() => socket.close());
  return socket;
};

test(
  'packets go to port 3784 with hop limit 255 from a port of the session’s own (RFC 5881 §4, §5)',
  root,
  async (t) => {
    const [a, b] = testLink(t);
    ip('-n', a.namespace, 'address', 'add', '192.0.2.3/24', 'dev', a.device);
    const heard = socketAt(t, b, SINGLE_HOP_PORT);
    const thread = startThread(t, { namespace: a.path });
    for (const local of [a.address4, '192.0.2.3']) void new Heard(thread, { ...FAST, local, remote: b.address4 });
    const ports = new Map<number, Set<number>>();
    const burst = new Burst(4096, 16);
    heard.onReadable(() => {
      burst.clear();
      heard.receive(burst);
      for (let at = 0; at < burst.count * DESCRIPTOR_WORDS; at += DESCRIPTOR_WORDS) {
        assert.equal(burst.words[at + D_ECN], 255 << HOP_LIMIT_SHIFT);
        assert.equal(burst.words[at + D_LENGTH], 24);
        const host = burst.words[at + D_REMOTE + 2] as number;
        ports.set(host, (ports.get(host) ?? new Set()).add(addressPort(burst.words, at + D_REMOTE)));
      }
    });
    const before = thread.slots[slotOf('cloudbridge_bfd_packets_total', { direction: 'sent' })];
    assert.equal(before, 0);
    await until(
      'each sent three',
      () => (thread.slots[slotOf('cloudbridge_bfd_packets_total', { direction: 'sent' })] ?? 0) >= 6,
    );
    heard.onReadable(undefined);
    const used = [...ports.values()].map((set) => [...set]);
    assert.equal(used.length, 2);
    assert.ok(
      used.every((all) => all.length === 1),
      'always the same',
    );
    assert.notDeepEqual(used[0], used[1]);
    assert.ok(used.flat().every((port) => port >= 49_152));
  },
);

/** A packet as a neighbour sends it, to an end's port 3784. */
const first = (to: LinkEnd): Burst => {
  const burst = new Burst(24, 1);
  const fields = {
    state: State.down,
    detectMult: 3,
    length: 24,
    myDiscriminator: 9,
    desiredMinTxUs: 1e6,
    requiredMinRxUs: 1e6,
  };
  writePacket(Object.assign(new ControlPacket(), fields), burst.buffer, 0);
  burst.commit(24, 0, addressOf(to.address4, SINGLE_HOP_PORT), 0, new Int32Array(6), 0);
  return burst;
};

test(
  'GTSM: what may have come through a router, or is of a stranger, is dropped and counted (RFC 5881 §5, RFC 5082)',
  root,
  async (t) => {
    const [a, b] = testLink(t);
    ip('-n', b.namespace, 'address', 'add', '192.0.2.9/24', 'dev', b.device);
    const thread = startThread(t, { namespace: a.path });
    const session = new Heard(thread, { ...FAST, local: a.address4, remote: b.address4 });
    await until('it is open', () => session.said.includes('opened'));
    socketAt(t, b, 0).send(first(a));
    await until('what is from afar is counted', () => thread.slots[dropped('kernel')] === 1);
    socketAt(t, { ...b, address4: '192.0.2.9' }, 0, true).send(first(a));
    await until('a stranger is counted', () => thread.slots[dropped('kernel')] === 2);
    assert.equal(session.is(State.down), true);
    socketAt(t, b, 0, true).send(first(a));
    await until('a neighbour is heard', () => session.is(State.init));
  },
);

/** What a flood has at least, however little of a CPU it gets. */
const FLOOD_PACKETS = 10_000;

/** Sends for half a second as much as goes. */
const flood = async (from: UdpSocket, to: LinkEnd): Promise<void> => {
  const burst = new Burst(64 * 24, 1);
  // Of no version that there is.
  burst.buffer.fill(0);
  const end = performance.now() + 500;
  for (let sent = 0; performance.now() < end || sent < FLOOD_PACKETS; sent += 64) {
    await new Promise(setImmediate);
    burst.clear();
    for (let i = 0; i < 64; i++) burst.commit(24, 0, addressOf(to.address4, SINGLE_HOP_PORT), 0, new Int32Array(6), 0);
    from.send(burst);
  }
};

test('a flood of strangers does not disturb a session', root, async (t) => {
  const {
    mine,
    theirs,
    threads,
    ends: [a, b],
  } = await startPair(t);
  ip('-n', b.namespace, 'address', 'add', '192.0.2.9/24', 'dev', b.device);
  const received = threads[0].slots[RECEIVED] as number;
  await flood(socketAt(t, { ...b, address4: '192.0.2.9' }, 0, true), a);
  await until('they are counted', () => (threads[0].slots[dropped('kernel')] ?? 0) > 5000);
  t.diagnostic(`${threads[0].slots[dropped('kernel')]} packets dropped by the kernel`);
  assert.ok((threads[0].slots[RECEIVED] as number) - received < 200);
  assert.deepEqual([mine.stat('fromUp'), theirs.stat('fromUp')], [0, 0]);
});

test('a flood in a neighbour’s name has no more of the thread than 64 packets a millisecond', root, async (t) => {
  const {
    threads,
    ends: [a, b],
  } = await startPair(t);
  const from = performance.now();
  await flood(socketAt(t, b, 0, true), a);
  const ms = performance.now() - from;
  const received = threads[0].slots[RECEIVED] as number;
  t.diagnostic(`${received} packets received in ${Math.round(ms)} ms`);
  assert.ok((threads[0].slots[dropped('version')] ?? 0) > 1000);
  assert.ok(received <= 64 * (ms + 50), `${received}`);
});

test('sockets that cannot be opened are told, and tried again', root, async (t) => {
  const [a, b] = testLink(t);
  const thread = startThread(t, { namespace: a.path });
  const other = startThread(t, { namespace: b.path });
  const late = new Heard(thread, { ...FAST, local: '192.0.2.77', remote: b.address4 });
  const nowhere = new Heard(thread, { ...FAST, local: a.address4, remote: '192.0.2.99', device: 'veth9' });
  const taken = socketAt(t, b, SINGLE_HOP_PORT);
  const shut = new Heard(other, { ...FAST, local: b.address4, remote: '192.0.2.77' });
  await until('all are told', () => [late, nowhere, shut].every(({ said }) => said.length > 0));
  assert.match(late.said[0] ?? '', /^unopened: 192\.0\.2\.77: this machine does not have that address \(yet\)/);
  assert.match(nowhere.said[0] ?? '', /^unopened: veth9: there is no such interface \(yet\)/);
  assert.match(shut.said[0] ?? '', /^unopened: 192\.0\.2\.2 port 3784\/udp is in use by another process/);
  const unopened = slotOf('cloudbridge_bfd_unopened_sessions_count', {});
  await until('it is a metric', () => thread.slots[unopened] === 2);
  taken.close();
  ip('-n', a.namespace, 'address', 'add', '192.0.2.77/24', 'dev', a.device);
  await Promise.all([late.up(), shut.up()]);
  assert.equal(late.said.filter((text) => text.startsWith('unopened')).length, 1, 'said once');
  late.session.close();
  nowhere.session.close();
  await until('nothing is waited for', () => thread.slots[unopened] === 0);
});

test('a cut is noticed as silence at both ends, and its end', root, async (t) => {
  const {
    mine,
    theirs,
    ends: [, b],
  } = await startPair(t);
  ip('-n', b.namespace, 'link', 'set', b.device, 'down');
  await until('both are Down', () => mine.is(State.down) && theirs.is(State.down));
  for (const heard of [mine, theirs]) assert.equal(heard.stat('diagnostic'), Diagnostic.detectionTimeExpired);
  ip('-n', b.namespace, 'link', 'set', b.device, 'up');
  await Promise.all([mine.up(), theirs.up()]);
});

/** UDP ports that are bound in a namespace, for IPv4. */
const boundPorts = (namespace: string): number[] =>
  execFileSync('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/udp'], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => /^\s*\d+: \w+:(\w{4}) /.exec(line)?.slice(1) ?? [])
    .map((port) => Number.parseInt(port, 16))
    .sort((one, other) => one - other);

test('a session outlives its interface, with the port that it sends from', root, async (t) => {
  const [a, b] = testLink(t);
  const [one, other] = [startThread(t, { namespace: a.path }), startThread(t, { namespace: b.path })];
  const mine = new Heard(one, { ...FAST, local: a.address4, remote: b.address4, device: a.device });
  const theirs = new Heard(other, { ...FAST, local: b.address4, remote: a.address4, device: b.device });
  await Promise.all([mine.up(), theirs.up()]);
  const ports = boundPorts(a.namespace);
  assert.equal(ports.length, 2);
  ip('-n', a.namespace, 'link', 'delete', a.device);
  await until('both are Down', () => mine.is(State.down) && theirs.is(State.down));
  const unsent = slotOf('cloudbridge_bfd_unsent_packets_total', {});
  await until('nothing can be sent', () => (one.slots[unsent] ?? 0) > 0);
  joinEnds(a, b);
  await Promise.all([mine.up(), theirs.up()]);
  assert.deepEqual(boundPorts(a.namespace), ports);
});

test('link-local addresses, each of its interface', root, async (t) => {
  const [a, b] = testLink(t);
  const [one, other] = [startThread(t, { namespace: a.path }), startThread(t, { namespace: b.path })];
  const [mine, theirs] = [a, b].map((end) => linkLocal(end)) as [LinkLocal, LinkLocal];
  const at = (end: LinkLocal, peer: LinkLocal) => ({
    local: `${end.host}%${end.index}`,
    remote: `${peer.host}%${end.index}`,
  });
  const first = new Heard(one, { ...FAST, ...at(mine, theirs), device: a.device });
  const second = new Heard(other, { ...FAST, ...at(theirs, mine), device: b.device });
  await Promise.all([first.up(), second.up()]);
});

test('sessions that cannot be are refused in a sentence', root, async (t) => {
  const [a, b] = testLink(t);
  const thread = startThread(t, { namespace: a.path });
  const base = { ...FAST, local: a.address4, remote: b.address4 };
  const cases = [
    [{ ...base, detectMult: 0 }, /^refused: The detect multiplier 0/],
    [{ ...base, remote: 'bird' }, /^refused: "bird" is not an IPv4 or IPv6 address/],
    [{ ...base, local: 'bird' }, /^refused: "bird" is not an IPv4 or IPv6 address/],
  ] as const;
  for (const [config, expected] of cases) {
    const { said } = new Heard(thread, config);
    await until('it is told', () => said.length > 0);
    assert.match(said[0] ?? '', expected);
  }
  const one = new Heard(thread, base);
  await until('one is open', () => one.said.includes('opened'));
  const again = new Heard(thread, base);
  await until('the second is refused', () => again.said.length > 0);
  assert.match(again.said[0] ?? '', /^refused: There is a BFD session with this peer/);
});

test('a thread that breaks says why', async () => {
  const gone = Promise.withResolvers<string>();
  const events = { gone: gone.resolve, held: () => {} };
  const thread = new BfdThread({ watched: [], priority: 0, namespace: '/no/such/namespace' }, events);
  await assert.rejects(thread.ready, /the BFD thread broke: .*\/no\/such\/namespace: no such file/);
  assert.match(await gone.promise, /the BFD thread broke/);
});
