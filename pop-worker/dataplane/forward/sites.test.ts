import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum } from '#protocol/ip/checksum.ts';
import { echoOf, echoRequest } from '#protocol/ip/echo.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, isIntact, packet } from '#protocol/ip/testing/packets.ts';
import { formatIpAddress, formatPrefix, type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { IpView } from '#protocol/ip/view.ts';
import { Carriers } from './carriers.ts';
import { Forwarder } from './forwarder.ts';
import type { RemoteSession } from './remote-sessions.ts';
import { HEADROOM, Session } from './session.ts';
import { TenantTable } from './tenant-table.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const NETWORK = ['10.65.2.0/24', 'fd00:1:0:2::/64'];
const INSIDE = { 4: '10.65.2.9', 6: 'fd00:1:0:2::9' } as const;

/** A thread of a worker with a tenant, and what it tells others of its sessions. */
const world = () => {
  const shown: string[] = [];
  const remote: Uint8Array[] = [];
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/24')), {
    attached: ({ device, sources, rank }) => shown.push(`${device} ${sources.map(formatPrefix).join(' ')} ${rank}`),
    detached: () => {},
  });
  const forwarder = new Forwarder({
    ...{ tenants, egress: { add: () => true }, router4: address('100.64.0.1'), router6: address('fd00:cb::1') },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    threads: {
      toSession: (_, buffer, start, end) => remote.push(buffer.slice(start, end)) > 0,
      toThread: () => true,
    },
  });
  tenants.defineTenant('red', [prefix('10.64.0.0/10'), prefix('fd00:1::/48')]);
  const device = (n: number, networks: readonly string[] = [], rank?: number) => {
    const got: Uint8Array[] = [];
    const send = (buffer: Uint8Array, start: number, end: number) => got.push(buffer.slice(start, end)) > 0;
    const sources = [`10.64.0.${n}/32`, `fd00:1::${n}/128`, ...networks].map(prefix);
    const session = new Session(
      { tenant: 'red', device: `d${n}`, sources, egress: true, rank },
      { mtu: () => 1420, send },
    );
    tenants.attach(session);
    const sends = (bytes: Uint8Array): void => {
      const buffer = new Uint8Array(HEADROOM + bytes.length);
      buffer.set(bytes, HEADROOM);
      forwarder.fromSession(session, buffer, HEADROOM, buffer.length);
    };
    return { session, got, sends };
  };
  return { tenants, forwarder, device, shown, remote };
};
type Device = ReturnType<ReturnType<typeof world>['device']>;

/** Who gets what another device sends into the site. */
const getters = (from: Device, devices: readonly Device[]): string => {
  for (const { got } of devices) got.length = 0;
  from.sends(packet({ source: '10.64.0.3', destination: INSIDE[4] }));
  from.sends(packet({ source: 'fd00:1::3', destination: INSIDE[6] }));
  return devices.map(({ got }) => got.length).join(' ');
};

test('of a site’s devices the one with the lowest rank gets what is for it, whichever came first, and the next when it left', () => {
  const { tenants, device } = world();
  const from = device(3);
  const spare = device(12, NETWORK, 10);
  const main = device(2, NETWORK, 0);
  assert.equal(getters(from, [main, spare]), '2 0');
  tenants.detach(main.session);
  assert.equal(getters(from, [main, spare]), '0 2');
  assert.ok(tenants.lookupUnique6(address(INSIDE[6]), 0) === spare.session.id, 'from outside, too');
  tenants.attach(main.session);
  assert.equal(getters(from, [main, spare]), '2 0');
  tenants.detach(spare.session);
  assert.equal(getters(from, [main, spare]), '2 0');
  tenants.detach(main.session);
  assert.equal(getters(from, [main, spare]), '0 0');
  assert.equal(tenants.lookupUnique6(address(INSIDE[6]), 0), -1);
});

test('who does not reach the site keeps its own addresses, and whoever is told hears of that', () => {
  const { tenants, device, shown } = world();
  const from = device(3);
  const [main, spare] = [device(2, NETWORK, 0), device(12, NETWORK, 10)];
  tenants.lead(main.session, false, 0);
  assert.equal(shown.at(-1), 'd2 10.64.0.2/32 fd00:1::2/128 0');
  assert.equal(getters(from, [main, spare]), '0 2');
  from.sends(packet({ source: '10.64.0.3', destination: '10.64.0.2' }));
  assert.equal(main.got.length, 1);
  tenants.lead(spare.session, false, 10);
  from.got.length = 0;
  assert.equal(getters(from, [main, spare]), '0 0');
  assert.equal(from.got.length, 2, 'the sender is told by ICMP');
  tenants.lead(main.session, true, 256);
  tenants.lead(spare.session, true, 10);
  assert.equal(getters(from, [main, spare]), '0 2', 'the last choice');
  tenants.lead(main.session, true, 0);
  assert.equal(getters(from, [main, spare]), '2 0');
});

test('devices of sites at other workers count alike, and those of one rank by which came last', () => {
  const { tenants, device, remote } = world();
  const from = device(3);
  const main = device(2, NETWORK, 5);
  const sources = ['10.64.0.12/32', ...NETWORK].map(prefix);
  const other: RemoteSession = {
    thread: 1,
    id: 0,
    serial: 7,
    tenant: 'red',
    device: 'd12',
    sources,
    rank: 5,
    member: 2,
  };
  tenants.attachRemote(other);
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '0 2');
  tenants.attachRemote({ ...other, rank: 517 });
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '2 0', 'no way leads there');
  tenants.attachRemote({ ...other, rank: 1 });
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '0 2');
  tenants.attachRemote({ ...other, rank: 1, sources: sources.slice(0, 1) });
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '2 0', 'it reaches the site no more');
  tenants.attachRemote({ ...other, rank: 1 });
  tenants.detachRemote(other);
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '2 0');
});

test('a session goes on with other networks, rank or egress, and all that have heard of it are told', () => {
  const { tenants, device, shown } = world();
  const [from, one, two] = [device(3), device(2), device(12)];
  const networks = NETWORK.map(prefix);
  const change = ({ session }: Device, more: readonly Prefix[], rank?: number, egress = true): void =>
    tenants.change(session, { sources: [...session.sources.slice(0, 2), ...more], egress, rank });
  assert.equal(getters(from, [one, two]), '0 0');
  change(one, networks);
  assert.equal(shown.at(-1), 'd2 10.64.0.2/32 fd00:1::2/128 10.65.2.0/24 fd00:1:0:2::/64 undefined');
  assert.equal(getters(from, [one, two]), '2 0');
  from.got.length = 0;
  one.sends(packet({ source: INSIDE[4], destination: '10.64.0.3' }));
  assert.equal(from.got.length, 1, 'it may send from there');
  change(two, networks);
  change(one, []);
  assert.equal(getters(from, [one, two]), '0 2', 'whoever was said to have it last');
  change(two, networks, 4);
  change(one, networks, 3);
  assert.equal(getters(from, [one, two]), '2 0');
  change(one, []);
  assert.equal(getters(from, [one, two]), '0 2');
  assert.ok(one.session.carrier);
  change(one, [], undefined, false);
  assert.equal(one.session.carrier, undefined);
  change(one, []);
  assert.ok(one.session.carrier);
  one.session.hasMoved = true;
  shown.length = 0;
  change(one, networks, undefined, false);
  change(one, networks);
  assert.deepEqual([getters(from, [one, two]), shown, one.session.carrier], ['0 2', [], undefined], 'who has moved');
  from.got.length = 0;
  from.sends(packet({ source: '10.64.0.3', destination: '10.64.0.2' }));
  assert.equal(one.got.length, 0);
  tenants.detach(one.session);
  tenants.detach(two.session);
  assert.equal(tenants.lookupUnique6(address(INSIDE[6]), 0), -1);
});

test('a session elsewhere that was one of a site’s, and is none any more, leaves nothing of that behind', () => {
  const { tenants, device, remote } = world();
  const from = device(3);
  const main = device(2, NETWORK, 5);
  const sources = ['10.64.0.12/32', ...NETWORK].map(prefix);
  const other: RemoteSession = { thread: 1, id: 0, serial: 7, tenant: 'red', device: 'd12', sources, member: 2 };
  tenants.attachRemote({ ...other, rank: 1 });
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '0 2');
  tenants.attachRemote(other);
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '0 2');
  tenants.lead(main.session, true, 5);
  assert.equal(`${getters(from, [main])} ${remote.splice(0).length}`, '2 0');
});

test('the edge’s own address in each network answers pings, and nothing else', () => {
  const { device } = world();
  const from = device(3);
  for (const [source, gateway] of [
    ['10.64.0.3', '10.64.0.1'],
    ['fd00:1::3', 'fd00:1::1'],
  ] as const) {
    from.sends(echoRequest(address(source), address(gateway), 9, new Uint8Array(3)));
    const reply = from.got.pop() ?? assert.fail();
    const view = new IpView();
    view.parse(reply, 0, reply.length);
    assert.equal(view.version === 4 ? checksum(reply, view.payloadAt, reply.length) : Number(!isIntact(reply)), 0);
    assert.equal(echoOf(reply, view), 'reply');
    assert.equal(formatIpAddress(reply.subarray(view.sourceAt, view.sourceAt + view.addressBytes)), gateway);
    from.sends(packet({ source, destination: gateway }));
    const error = from.got.pop() ?? assert.fail();
    view.parse(error, 0, error.length);
    assert.equal(error[view.payloadAt], view.version === 4 ? 3 : 1, 'unreachable, as ever');
  }
  assert.equal(from.got.length, 0);
});

/** An answer from inside a site to what was asked of this device of it. */
const answer = (device: string): Uint8Array => {
  const reply = echoRequest(address(INSIDE[4]), address('10.64.0.1'), 9, address(device));
  return reply.with(20, 0).with(22, (reply[22] as number) + 8);
};

test('an answer goes to the device that was asked, by whichever of a site’s devices it came, also at another worker', () => {
  const { tenants, device, forwarder, remote } = world();
  const [main, spare] = [device(2, NETWORK, 0), device(12, NETWORK, 10)];
  const heard: string[] = [];
  for (const { session } of [main, spare]) session.onEchoReply = () => heard.push(session.device);
  main.sends(answer('10.64.0.12'));
  main.sends(answer('10.64.0.2'));
  assert.deepEqual(heard.splice(0), ['d12', 'd2']);
  const sources = [prefix('10.64.0.22/32')];
  tenants.attachRemote({ thread: 1, id: 0, serial: 7, tenant: 'red', device: 'd22', sources, rank: 1, member: 2 });
  main.sends(answer('10.64.0.22'));
  const passed = remote.pop() ?? assert.fail();
  assert.deepEqual(heard, []);
  const buffer = new Uint8Array(HEADROOM + passed.length);
  buffer.set(passed, HEADROOM);
  forwarder.fromThread(spare.session.id, spare.session.serial, buffer, HEADROOM, buffer.length);
  assert.deepEqual(heard.splice(0), ['d12']);
  assert.deepEqual([main.got.length, spare.got.length], [0, 0], 'no device is sent it');
  main.sends(answer('10.64.0.99'));
  assert.deepEqual(heard, []);
});

test('who takes nothing from outside of its tenant hears errors by where its packets wanted to go', () => {
  const { device } = world();
  const [from, to] = [device(3), device(2)];
  const sourceOfError = (): string => {
    const error = from.got.pop() ?? assert.fail();
    return formatIpAddress(error.subarray(12, 16));
  };
  const large = { source: '10.64.0.3', destination: '10.64.0.2', payload: new Uint8Array(1450), fragmentField: 0x4000 };
  from.sends(packet({ source: '10.64.0.3', destination: '10.64.9.9' }));
  assert.equal(sourceOfError(), '100.64.0.1');
  from.session.isNarrow = true;
  from.sends(packet({ source: '10.64.0.3', destination: '10.64.9.9' }));
  assert.equal(sourceOfError(), '10.64.9.9');
  from.sends(packet(large));
  assert.equal(sourceOfError(), '10.64.0.2');
  assert.equal(to.got.length, 0);
});
