import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TunPacket } from '#host/tun/packet.ts';
import { readWord } from '#protocol/ip/checksum.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, isIntact, packet, tcp } from '#protocol/ip/testing/packets.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { Carriers } from './carriers.ts';
import { Correspondents } from './correspondents.ts';
import { Forwarder } from './forwarder.ts';
import type { RemoteSession } from './remote-sessions.ts';
import { HEADROOM, Session } from './session.ts';
import { TenantTable } from './tenant-table.ts';

const REMOTE = '2001:db8:f::10';
const MESH_THREAD = 1;
const [SYN, ACK] = [2, 16];

const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

/** A worker of a fleet that tenants' IPv6 networks are routed to. */
const worker = () => {
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/24')), undefined, undefined, new Correspondents(1));
  const handedOn: RemoteSession[] = [];
  const outside: Uint8Array[] = [];
  const forwarder = new Forwarder({
    tenants,
    egress: { add: (buffer, view) => outside.push(buffer.slice(view.start, view.end)) > 0 },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    ...{ router4: address('192.0.2.1'), router6: address('2001:db8:a::1'), dataThreads: MESH_THREAD },
    threads: { toSession: (session) => handedOn.push(session) > 0, toThread: () => false },
  });
  tenants.defineTenant('red', [prefix('fd00:1::/64')]);
  const connect = (name: string, at: string) => {
    const got: Uint8Array[] = [];
    const link = { mtu: () => 1400, send: (b: Uint8Array, s: number, e: number) => got.push(b.slice(s, e)) > 0 };
    const session = new Session({ tenant: 'red', device: name, sources: [prefix(at)], egress: true }, link);
    tenants.attach(session);
    return { session, got };
  };
  const framed = (source: string, destination: string, flags = SYN, data = 0): Uint8Array => {
    const bytes = packet({ source, destination, payload: tcp({ flags, data: new Uint8Array(data) }) });
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    return buffer;
  };
  const send = (session: Session, source: string, destination: string): void => {
    const buffer = framed(source, destination);
    forwarder.fromSession(session, buffer, HEADROOM, buffer.length);
  };
  const arrive = (source: string, destination: string, flags = SYN, data = 0): void => {
    const buffer = framed(source, destination, flags, data);
    forwarder.fromOutside(Object.assign(new TunPacket(), { buffer, start: HEADROOM, end: buffer.length }));
  };
  const fromWorker = ({ id, serial }: Session, source: string, destination: string): void => {
    const buffer = framed(source, destination);
    forwarder.fromThread(id, serial, buffer, HEADROOM, buffer.length);
  };
  const elsewhere = (device: string, at: string): RemoteSession => {
    const session = { thread: MESH_THREAD, id: 5, serial: 1, tenant: 'red', device, sources: [prefix(at)] };
    tenants.attachRemote(session);
    return session;
  };
  const unsolicited = (): number => forwarder.counters.drops.of('unsolicited');
  return { tenants, forwarder, connect, send, arrive, fromWorker, elsewhere, handedOn, outside, unsolicited };
};

test('with routed IPv6 the data plane lets in what was asked for, and counts what was not', () => {
  const { connect, send, arrive, outside, unsolicited } = worker();
  const { session, got } = connect('phone', 'fd00:1::2/128');
  arrive(REMOTE, 'fd00:1::2');
  assert.deepEqual([got.length, unsolicited()], [0, 1]);
  send(session, 'fd00:1::2', REMOTE);
  assert.equal(outside.length, 1);
  arrive(REMOTE, 'fd00:1::2');
  assert.deepEqual([got.length, unsolicited()], [1, 1]);
});

test('a device that may not leave its tenant any more is not answered from outside either, until it may again', () => {
  const { tenants, forwarder, connect, send, arrive } = worker();
  const { session, got } = connect('phone', 'fd00:1::2/128');
  const { sources } = session;
  send(session, 'fd00:1::2', REMOTE);
  arrive(REMOTE, 'fd00:1::2', ACK);
  assert.equal(got.length, 1);
  tenants.change(session, { sources, egress: false });
  arrive(REMOTE, 'fd00:1::2', ACK);
  assert.deepEqual([got.length, forwarder.counters.drops.of('egress_not_allowed')], [1, 1]);
  tenants.change(session, { sources, egress: true });
  arrive(REMOTE, 'fd00:1::2', ACK);
  assert.equal(got.length, 2);
});

test('what comes from outside as if it were a device goes nowhere, here or elsewhere', () => {
  const { connect, send, arrive, elsewhere, handedOn, unsolicited } = worker();
  const { session, got } = connect('phone', 'fd00:1::2/128');
  elsewhere('camera', 'fd00:1::3/128');
  send(session, 'fd00:1::2', REMOTE);
  arrive('fd00:1::3', 'fd00:1::2');
  arrive('fd00:1::2', 'fd00:1::3');
  assert.deepEqual([got.length, handedOn.length, unsolicited()], [0, 0, 2]);
});

test('a packet that reached the wrong worker is handed on; where its device is it is let in or not', () => {
  const { connect, send, arrive, fromWorker, elsewhere, handedOn, unsolicited } = worker();
  elsewhere('camera', 'fd00:1::3/128');
  arrive(REMOTE, 'fd00:1::3');
  assert.deepEqual(
    handedOn.map(({ device }) => device),
    ['camera'],
  );
  const { session, got } = connect('phone', 'fd00:1::2/128');
  fromWorker(session, REMOTE, 'fd00:1::2');
  assert.deepEqual([got.length, unsolicited()], [0, 1]);
  // A device of the tenant, at another worker.
  fromWorker(session, 'fd00:1::3', 'fd00:1::2');
  assert.equal(got.length, 1);
  send(session, 'fd00:1::2', REMOTE);
  fromWorker(session, REMOTE, 'fd00:1::2');
  assert.equal(got.length, 2);
});

test('a device that was at another worker, dead or alive, goes on with whom it talked to there', () => {
  for (const isGone of [true, false]) {
    const { tenants, connect, arrive, elsewhere } = worker();
    const before = elsewhere('phone', 'fd00:1::2/128');
    if (isGone) tenants.detachRemote(before);
    const { got } = connect('phone', 'fd00:1::2/128');
    arrive(REMOTE, 'fd00:1::2', SYN);
    assert.equal(got.length, 0);
    arrive(REMOTE, 'fd00:1::2', ACK);
    assert.equal(got.length, 1);
    const { got: others } = connect('camera', 'fd00:1::4/128');
    arrive(REMOTE, 'fd00:1::4', ACK);
    assert.equal(others.length, 0);
  }
});

test('who sends what is too large is told so by the address of the device: that one the kernel lets out', () => {
  const { connect, send, arrive, outside } = worker();
  const { session, got } = connect('phone', 'fd00:1::2/128');
  send(session, 'fd00:1::2', REMOTE);
  arrive(REMOTE, 'fd00:1::2', ACK, 1380);
  const [, error] = outside;
  assert.equal(got.length, 0);
  assert.ok(error !== undefined && isIntact(error));
  assert.deepEqual([error.subarray(8, 24), error.subarray(24, 40)], [address('fd00:1::2'), address(REMOTE)]);
  assert.deepEqual([error[40], error[41], readWord(error, 46)], [2, 0, 1400]);
});
