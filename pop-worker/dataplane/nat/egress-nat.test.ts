import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TunPacket } from '#host/tun/packet.ts';
import { checksum, readWord, writeWord } from '#protocol/ip/checksum.ts';
import { GsoType, NEEDS_CHECKSUM } from '#protocol/ip/offload.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, isIntact, joinFragments, packet, tcp, udp } from '#protocol/ip/testing/packets.ts';
import { formatIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { Protocol } from '#protocol/ip/view.ts';
import { Replicas } from '#protocol/nat/replicas.ts';
import { countingRandom } from '#protocol/nat/testing/nat.ts';
import { readSections } from '#protocol/nat/wire.ts';
import { Carriers } from '../forward/carriers.ts';
import { Forwarder } from '../forward/forwarder.ts';
import type { RemoteSession } from '../forward/remote-sessions.ts';
import { HEADROOM, Session } from '../forward/session.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import { HOLD_SECONDS } from './blocks.ts';
import { EgressNat } from './egress-nat.ts';

const FLEET = '203.0.113.64/27';
const REMOTE = '198.51.100.9';
/** Of sessions that another worker has, as the mesh's thread stands for them. */
const MESH_THREAD = 1;
const SYN = 0x02;
const ACK = 0x10;

const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

/** A worker with one data-plane thread. @param own of its outside addresses */
const worker = (own: string, ports = 64) => {
  const outside: Uint8Array[] = [];
  const handedOn: { session: RemoteSession; bytes: Uint8Array }[] = [];
  const told = new Replicas();
  const nat = new EgressNat({
    setup: { own: [own], fleet: [FLEET], ports, isShared: true },
    ...{ thread: 0, threads: 1, random: countingRandom(), reassigned: () => {} },
    send: (message) => readSections(message, 0, message.length, (section) => told.apply(section, message)),
  });
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/24')), undefined, nat);
  const forwarder = new Forwarder({
    tenants,
    egress: { add: (buffer, view) => outside.push(buffer.slice(view.start, view.end)) > 0 },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    router4: address('192.0.2.1'),
    router6: address('2001:db8:a::1'),
    threads: {
      toSession: (session, buffer, start, end) => handedOn.push({ session, bytes: buffer.slice(start, end) }) > 0,
      toThread: () => false,
    },
    dataThreads: MESH_THREAD,
  });
  for (const tenant of ['red', 'blue']) tenants.defineTenant(tenant, [prefix('10.64.0.0/10')]);
  const connect = (tenant: string, device: string, mtu = 1400) => {
    const got: Uint8Array[] = [];
    const link = {
      mtu: () => mtu,
      send: (buffer: Uint8Array, start: number, end: number) => got.push(buffer.slice(start, end)) > 0,
    };
    const session = new Session({ tenant, device, sources: [prefix('10.64.0.2/32')], egress: true }, link);
    tenants.attach(session);
    return { session, got };
  };
  const send = (session: Session, bytes: Uint8Array): Uint8Array | undefined => {
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    const before = outside.length;
    forwarder.fromSession(session, buffer, HEADROOM, buffer.length);
    return outside[before];
  };
  const arrive = (bytes: Uint8Array, gsoSize = 0): void => {
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    const large = { gsoType: GsoType.tcp4, gsoSize, flags: NEEDS_CHECKSUM, checksumStart: 20, checksumOffset: 16 };
    forwarder.fromOutside(
      Object.assign(new TunPacket(), { buffer, start: HEADROOM, end: buffer.length, ...(gsoSize > 0 && large) }),
    );
  };
  /** As another worker hands it on. */
  const fromWorker = ({ id, serial }: Pick<Session, 'id' | 'serial'>, bytes: Uint8Array): void => {
    forwarder.fromThread(id, serial, bytes, 0, bytes.length);
  };
  const drops = (): [string, number][] =>
    (['nat_no_mapping', 'nat_filtered', 'nat_exhausted', 'nat_waiting'] as const)
      .map((reason) => [reason, forwarder.counters.drops.of(reason)] as [string, number])
      .filter(([, count]) => count > 0);
  return { nat, tenants, forwarder, outside, handedOn, told, connect, send, arrive, fromWorker, drops };
};

const source = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? 'nothing' : `${formatIpAddress(bytes.subarray(12, 16))}:${readWord(bytes, 20)}`;
const destination = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? 'nothing' : `${formatIpAddress(bytes.subarray(16, 20))}:${readWord(bytes, 22)}`;

/** From port 40,000 to 443; back, the other way round. */
const out = (flags = SYN): Uint8Array => packet({ destination: REMOTE, payload: tcp({ flags }) });
const back = (to: string, data = new Uint8Array(0)): Uint8Array => {
  const [ip = '', port] = to.split(':');
  const payload = tcp({ flags: SYN | ACK, data });
  writeWord(payload, 0, 443);
  writeWord(payload, 2, Number(port));
  return packet({ source: REMOTE, destination: ip, payload });
};

test("tenants' devices of one inner address leave by blocks of their own, and get what is theirs", () => {
  const { connect, send, arrive, drops } = worker('203.0.113.64/28');
  const [red, blue] = [connect('red', 'phone'), connect('blue', 'phone')];
  const [a, b] = [source(send(red.session, out())), source(send(blue.session, out()))];
  assert.notEqual(a, b);
  for (const at of [a, b]) assert.match(at, /^203\.0\.113\.(6[4-9]|7\d):\d+$/);
  arrive(back(a));
  arrive(back(b));
  arrive(back('203.0.113.90:2000'));
  for (const { got } of [red, blue]) {
    assert.deepEqual(got.map(destination), ['10.64.0.2:40000']);
    assert.ok(got.every(isIntact));
  }
  assert.deepEqual(drops(), [['nat_no_mapping', 1]]);
});

test('a device keeps its block when it reconnects, and for ten minutes after it has gone', () => {
  const { nat, connect, send, tenants } = worker('203.0.113.64/32', 16_384);
  const first = connect('red', 'phone');
  const at = source(send(first.session, out()));
  tenants.detach(first.session);
  const again = connect('red', 'phone');
  assert.equal(source(send(again.session, out(ACK))), at);
  assert.equal(nat.nat.counters.pickedUp, 0);
  tenants.detach(again.session);
  // There are three blocks.
  assert.deepEqual(
    [connect('red', 'b'), connect('red', 'c')].map(({ session }) => session.nat >= 0),
    [true, true],
  );
  assert.equal(nat.blocks.size, 3);
  nat.tick(HOLD_SECONDS * 1000 - 1);
  assert.equal(nat.devices, 3);
  nat.tick(HOLD_SECONDS * 1000);
  assert.equal(nat.devices, 2);
  assert.equal(nat.blocks.size, 2);
});

test('a session that may not leave its tenant for a while sends nothing and gets nothing, here and elsewhere, and has its block again', () => {
  const [here, there] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const { session, got } = there.connect('red', 'phone');
  const at = source(there.send(session, out()));
  here.tenants.attachRemote(remoteOf(session));
  here.arrive(back(at));
  assert.equal(here.handedOn.length, 1);
  const { sources } = session;
  there.tenants.change(session, { sources, egress: false });
  assert.deepEqual([session.nat, session.outside], [-1, undefined]);
  there.arrive(back(at));
  assert.equal(there.send(session, out(ACK)), undefined);
  assert.deepEqual([there.drops(), got.length], [[['nat_no_mapping', 1]], 1], 'it is told so by ICMP alone');
  here.tenants.attachRemote(remoteOf(session));
  here.arrive(back(at));
  assert.equal(here.handedOn.length, 1);
  there.tenants.change(session, { sources, egress: true });
  here.tenants.attachRemote(remoteOf(session));
  here.arrive(back(at));
  assert.equal(here.handedOn.length, 2);
  assert.equal(source(there.send(session, out(ACK))), at);
  there.arrive(back(at));
  assert.equal(got.length, 2);
});

test('when all blocks are in use, one is taken that was held; else there is none, and a device is told so', () => {
  const { nat, connect, send, tenants, drops } = worker('203.0.113.64/32', 16_384);
  const [a] = ['a', 'b', 'c'].map((name) => connect('red', name));
  const fourth = connect('red', 'd');
  assert.equal(fourth.session.nat, -1);
  assert.equal(nat.counters.withoutBlock, 1);
  assert.equal(send(fourth.session, out()), undefined);
  assert.deepEqual(drops(), [['nat_exhausted', 1]]);
  const [error] = fourth.got;
  // RFC 6888 REQ-11b: host unreachable.
  assert.deepEqual([...(error ?? []).slice(20, 22)], [3, 1]);
  tenants.detach((a as typeof fourth).session);
  assert.ok(connect('red', 'e').session.nat >= 0);
});

/** A session at one worker, as another hears of it. */
const remoteOf = ({ tenant, device, sources, outside }: Session, serial = 1): RemoteSession => ({
  ...{ thread: MESH_THREAD, id: 5, serial, tenant, device, sources, outside },
});

test('what comes for a device that is elsewhere goes there, whole, in packets that fit, and is translated there', () => {
  const [here, there] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const device = there.connect('red', 'phone');
  const at = source(there.send(device.session, out()));
  here.tenants.attachRemote(remoteOf(device.session));
  here.arrive(back(at));
  const data = new Uint8Array(3000).map((_, i) => i);
  here.arrive(back(at, data), 1200);
  assert.deepEqual(
    here.handedOn.map(({ session, bytes }) => [session.id, bytes.length]),
    [40, 1240, 1240, 640].map((bytes) => [5, bytes]),
  );
  for (const { bytes } of here.handedOn) {
    assert.ok(isIntact(bytes));
    there.fromWorker(device.session, bytes);
  }
  assert.deepEqual(new Set(device.got.map(destination)), new Set(['10.64.0.2:40000']));
  assert.ok(device.got.every(isIntact));
  assert.equal(device.got[0]?.[8], 63, 'one hop for both');
  assert.deepEqual(
    device.got.slice(1).flatMap((bytes) => [...bytes.subarray(40)]),
    [...data],
  );
  // Nor can a worker be made to let in what it would not let in itself.
  const [ip, port] = at.split(':');
  there.fromWorker(device.session, back(`${ip}:${Number(port) + 2}`));
  assert.deepEqual(there.drops(), [['nat_no_mapping', 1]]);
});

test('a device that moves keeps its outside address and goes on with what was told of it', () => {
  const [before, after] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const first = before.connect('red', 'phone');
  const at = source(before.send(first.session, out()));
  before.arrive(back(at));
  before.nat.tick(100);
  assert.equal(before.told.flows, 1);
  after.nat.tick(5000);
  after.tenants.attachRemote(remoteOf(first.session));
  const second = after.connect('red', 'phone');
  assert.equal(after.nat.counters.adopted, 1);
  after.arrive(back(at));
  assert.equal(after.send(second.session, out()), undefined);
  assert.deepEqual(after.drops(), [['nat_waiting', 1]]);
  assert.equal(after.forwarder.counters.held, 1);
  before.told.tellAll('red/phone', (message) => assert.ok(after.nat.take(message, 0, message.length)));
  assert.deepEqual(after.outside.map(source), [at], 'what the device sent meanwhile has waited');
  after.tenants.detachRemote(remoteOf(first.session));
  after.arrive(back(at));
  assert.deepEqual(second.got.map(destination), ['10.64.0.2:40000']);
  assert.equal(source(after.send(second.session, out(ACK))), at);
  assert.equal(after.nat.nat.counters.pickedUp, 0);
  // Where it was, the way leads to where it is; what it had there is nobody's.
  before.tenants.attachRemote(remoteOf(second.session, 2));
  before.arrive(back(at));
  assert.equal(before.handedOn.length, 1);
  before.tenants.detach(first.session);
  assert.equal(before.nat.devices, 0);
  assert.equal(before.told.flows, 1);
});

test('what a device began a moment before it moved is told when it has, not at the next tick, be it of UDP and younger than a second', () => {
  const [before, after] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const first = before.connect('red', 'phone');
  before.arrive(back(source(before.send(first.session, out()))));
  const asked = packet({ destination: REMOTE, protocol: Protocol.udp, payload: udp(Uint8Array.of(1)) });
  const at = source(before.send(first.session, asked.slice()));
  const unanswered = packet({ destination: '198.51.100.10', protocol: Protocol.udp, payload: udp(Uint8Array.of(1)) });
  before.send(first.session, unanswered);
  const answer = (): Uint8Array => {
    const payload = udp(Uint8Array.of(2));
    writeWord(payload, 0, readWord(asked, 22));
    writeWord(payload, 2, Number(at.split(':')[1]));
    return packet({ source: REMOTE, destination: at.split(':')[0] ?? '', protocol: Protocol.udp, payload });
  };
  before.arrive(answer());
  assert.equal(before.told.flows, 0);
  after.tenants.attachRemote(remoteOf(first.session));
  const second = after.connect('red', 'phone');
  before.tenants.attachRemote(remoteOf(second.session, 2));
  assert.equal(before.told.flows, 2);
  before.told.tellAll('red/phone', (message) => assert.ok(after.nat.take(message, 0, message.length)));
  after.tenants.detachRemote(remoteOf(first.session));
  after.arrive(answer());
  assert.equal(second.got.length, 1, 'it never has to send again');
});

test('a device that is back before its former session has ended goes on with what it had elsewhere, not here', () => {
  const [here, there] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const first = here.connect('red', 'phone');
  const at = source(here.send(first.session, out()));
  const second = there.connect('red', 'phone');
  here.tenants.attachRemote(remoteOf(second.session));
  first.session.hasMoved = true;
  const third = here.connect('red', 'phone');
  assert.equal(here.nat.counters.adopted, 1);
  here.tenants.detach(first.session);
  assert.equal(here.nat.devices, 1);
  here.tenants.detachRemote(remoteOf(second.session));
  here.nat.tick(1000);
  here.arrive(back(at));
  assert.deepEqual([first.got.length, third.got.length], [0, 0], 'what it had here is forgotten');
  const moved = source(there.send(second.session, out()));
  assert.equal(source(here.send(third.session, out(ACK))), moved);
});

test('nobody has to wait for longer than a quarter of a second for what was to be told', () => {
  const [before, after] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const first = before.connect('red', 'phone');
  const at = source(before.send(first.session, out()));
  after.nat.tick(5000);
  after.tenants.attachRemote(remoteOf(first.session));
  const second = after.connect('red', 'phone');
  after.nat.tick(5249);
  assert.equal(after.send(second.session, out(ACK)), undefined);
  after.nat.tick(5250);
  // The same port all the same: any worker would choose it.
  assert.equal(source(after.send(second.session, out(ACK))), at);
  assert.equal(after.nat.nat.counters.pickedUp, 1);
});

test('of two devices with one block, as after a start without memory, the one that was given it here gets another', () => {
  const [here, there] = [worker('203.0.113.64/32', 16_384), worker('203.0.113.80/28', 16_384)];
  const device = here.connect('red', 'phone');
  const block = device.session.outside;
  const other = there.connect('red', 'old');
  other.session.outside = block;
  here.tenants.attachRemote(remoteOf(other.session));
  assert.equal(here.nat.counters.conflicts, 1);
  assert.notDeepEqual(device.session.outside, block);
  assert.equal(typeof source(here.send(device.session, out())), 'string');
  here.arrive(back(`203.0.113.64:${(block?.port ?? 0) + 1}`));
  assert.equal(here.handedOn.length, 1);
});

test('fragments from outside follow the first one, here and to another worker; before it they go nowhere', () => {
  const [here, there] = [worker('203.0.113.64/28'), worker('203.0.113.80/28')];
  const device = there.connect('red', 'phone');
  const asked = packet({ destination: REMOTE, protocol: Protocol.udp, payload: udp(Uint8Array.of(1)) });
  const at = source(there.send(device.session, asked));
  here.tenants.attachRemote(remoteOf(device.session));
  const [ip = '', port] = at.split(':');
  const whole = udp(new Uint8Array(2392).map((_, i) => i));
  writeWord(whole, 0, 53);
  writeWord(whole, 2, Number(port));
  const ends = { source: REMOTE, destination: ip, protocol: Protocol.udp, id: 77 };
  const complete = packet({ ...ends, payload: whole }).subarray(20);
  const fragments = [0, 800, 1600].map((from) =>
    packet({
      ...ends,
      payload: complete.slice(from, from + 800),
      fragmentField: (from / 8) | (from < 1600 ? 0x2000 : 0),
    }),
  );
  here.arrive((fragments[2] as Uint8Array).slice());
  assert.deepEqual(here.drops(), [['nat_no_mapping', 1]]);
  for (const fragment of fragments) here.arrive(fragment.slice());
  for (const { bytes } of here.handedOn) there.fromWorker(device.session, bytes);
  for (const fragment of fragments) there.arrive(fragment.slice());
  assert.equal(device.got.length, 6);
  for (const three of [device.got.slice(0, 3), device.got.slice(3)]) {
    assert.ok(three.every((bytes) => checksum(bytes, 0, 20) === 0));
    const joined = packet({
      source: REMOTE,
      destination: '10.64.0.2',
      protocol: Protocol.udp,
      payload: joinFragments(three),
      fragmentField: 0x4000,
    });
    assert.equal(destination(joined), '10.64.0.2:5000');
    joined.set(joinFragments(three), 20);
    assert.ok(isIntact(joined));
  }
});

test('who sends what is too large, or has no hop left, is told so by the outside address itself', () => {
  const { connect, send, arrive, outside } = worker('203.0.113.64/28');
  const { session, got } = connect('red', 'phone', 1280);
  const at = source(send(session, out()));
  const [ip = '', port] = at.split(':');
  const payload = tcp({ flags: ACK, data: new Uint8Array(1400) });
  writeWord(payload, 0, 443);
  writeWord(payload, 2, Number(port));
  const ends = { source: REMOTE, destination: ip, payload };
  arrive(packet({ ...ends, fragmentField: 0x4000 }));
  arrive(packet({ ...ends, hopLimit: 1 }));
  assert.equal(got.length, 0);
  const told = outside.slice(1).map((bytes) => {
    const [from, to] = [bytes.subarray(12, 16), bytes.subarray(16, 20)];
    return [formatIpAddress(from), formatIpAddress(to), bytes[20], bytes[21], readWord(bytes, 26)];
  });
  assert.deepEqual(told, [
    [ip, REMOTE, 3, 4, 1280],
    [ip, REMOTE, 11, 0, 0],
  ]);
});
