import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { MemoryPair } from '#protocol/http3/testing/pair.ts';
import { Recorder } from '#protocol/http3/testing/recorder.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, packet } from '#protocol/ip/testing/packets.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { acceptIpRequest, type IpTunnel, openIpTunnel } from '#protocol/masque/connect-ip.ts';
import { ANY_SCOPE, type IpScope } from '#protocol/masque/ip-scope.ts';
import { ProxyLog } from '#protocol/masque/testing/proxy-log.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import type { Admission, Admitted, Denied } from '../admission.ts';
import type { Notice } from '../commands.ts';
import { Endings } from '../endings.ts';
import { Faults } from '../faults.ts';
import { Carriers } from '../forward/carriers.ts';
import { Forwarder } from '../forward/forwarder.ts';
import { HEADROOM } from '../forward/session.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import { IpSessions } from './ip-sessions.ts';

const TEMPLATE = defaultIpTemplate('edge.example');
const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

/** A worker's sessions behind an HTTP/3 connection in memory; the token's text is the device's name. */
const world = (options: { served?: boolean } = {}) => {
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
  tenants.defineTenant('acme', [prefix('10.64.0.0/10'), prefix('fd00:1::/48')]);
  const outside: Uint8Array[] = [];
  const forwarder = new Forwarder({
    tenants,
    egress: { add: (buffer, view) => outside.push(buffer.slice(view.start, view.end)) > 0 },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    router4: address('192.0.2.1'),
    router6: address('2001:db8:a::1'),
  });
  const notices: Notice[] = [];
  const faults = new Faults(() => {});
  const admission = {
    admit: async (authorization: string | undefined): Promise<Admitted | Denied> => {
      const device = authorization?.replace('Bearer ', '') ?? '';
      if (!/^d[0-9]$/.test(device)) return { status: 401, reason: 'a bearer token is needed' };
      const n = device.slice(1);
      const common = {
        issuer: '',
        ipv4: `10.64.0.${n}`,
        ipv6: `fd00:1::${n}`,
        egress: true,
        tokenId: `t${n}`,
        issuedAt: 0,
        expiresAt: 100,
      };
      return { ...common, tenant: 'acme', device, sources: [prefix(common.ipv4), prefix(common.ipv6)] };
    },
  };
  const sessions = new IpSessions({
    admission: admission as unknown as Admission,
    forwarder,
    tenants,
    faults,
    proxyName: 'edge',
    notify: (notice) => notices.push(notice),
    ...options,
  });
  const connect = async (device: string, scope: IpScope = ANY_SCOPE) => {
    const pair = new MemoryPair(7);
    const requests = new Recorder();
    const client = new Http3Connection(pair.client, new Recorder());
    const server = new Http3Connection(pair.server, requests);
    requests.onRequest = (http3, stream, head) => void acceptIpRequest(http3, stream, head, TEMPLATE, sessions);
    pair.connect(client.events, server.events);
    pair.run();
    const log = new ProxyLog();
    const token = device === '' ? [] : [{ name: 'authorization', value: `Bearer ${device}` }];
    const tunnel = openIpTunnel(client, TEMPLATE, scope, log, token) as IpTunnel;
    pair.run();
    await new Promise(setImmediate);
    pair.run();
    const send = (bytes: Uint8Array): void => {
      const buffer = new Uint8Array(HEADROOM + bytes.length);
      buffer.set(bytes, HEADROOM);
      assert.ok(tunnel.send(buffer, HEADROOM, buffer.length));
      pair.run();
    };
    return { pair, tunnel, log, send };
  };
  return { sessions, tenants, forwarder, notices, outside, connect, faults };
};

test('a device is let in, told its addresses and routes, and reaches its neighbour and the outside', async () => {
  const { connect, outside, notices, sessions } = world();
  const one = await connect('d2');
  const two = await connect('d3');
  assert.equal(sessions.size, 2);
  assert.deepEqual(
    one.tunnel.assigned.map((entry) => [...entry.prefix.address].slice(-1)[0]),
    [2, 2],
  );
  assert.equal(one.tunnel.routes.length, 2);
  one.send(packet({ source: '10.64.0.2', destination: '10.64.0.3' }));
  two.pair.run();
  assert.equal(two.log.payloads.length, 1);
  one.send(packet({ source: '10.64.0.2' }));
  assert.equal(outside.length, 1);
  assert.deepEqual(notices[0], {
    type: 'connected',
    tenant: 'acme',
    device: 'd2',
    ipv4: '10.64.0.2',
    ipv6: 'fd00:1::2',
  });
  one.tunnel.close();
  one.pair.run();
  assert.deepEqual(notices.at(-1), {
    type: 'disconnected',
    tenant: 'acme',
    device: 'd2',
    reason: 'closed by the peer',
  });
  assert.equal(sessions.size, 1);
});

test('a worker without a TUN says that it does not serve this kind of tunnel, whoever asks', async () => {
  const { connect, sessions, tenants } = world({ served: false });
  for (const device of ['d2', '']) {
    assert.deepEqual((await connect(device)).log.events, ['refused 501 http_request_denied', 'closed']);
  }
  assert.deepEqual([sessions.unserved, sessions.size + tenants.sessionCount], [2, 0]);
});

test('who has no good token or a narrower scope is refused and leaves nothing behind', async () => {
  const { connect, sessions, tenants } = world();
  assert.deepEqual((await connect('')).log.events, ['refused 401 http_request_denied', 'closed']);
  assert.deepEqual(
    (await connect('d2', { target: prefix('10.0.0.0/8'), ipproto: '*' })).log.events[0],
    'refused 403 http_request_denied',
  );
  assert.equal(sessions.size + tenants.sessionCount, 0);
});

test('revocation and expiry end exactly the sessions they are about', async () => {
  const { connect, sessions, forwarder } = world();
  const two = await connect('d2');
  const three = await connect('d3');
  const endings = new Endings([sessions]);
  const revoke = (device: string): void =>
    endings.endWhere(({ admitted }) => admitted.tenant === 'acme' && admitted.device === device, 'revoked');
  revoke('d4');
  assert.equal(sessions.size, 2);
  revoke('d2');
  two.pair.run();
  assert.equal(two.log.events.at(-1), 'closed');
  three.send(packet({ source: '10.64.0.3', destination: '10.64.0.2' }));
  assert.equal(forwarder.counters.drops.of('no_route'), 1);
  const expire = (nowSeconds: number): void =>
    endings.endWhere(({ admitted }) => admitted.expiresAt <= nowSeconds, 'expired');
  expire(99);
  assert.equal(sessions.size, 1);
  expire(100);
  assert.equal(sessions.size, 0);
  assert.deepEqual([endings.counters.revoked, endings.counters.expired], [1, 1]);
});

test('a bug met at a packet ends that packet only', async (t) => {
  const { connect, forwarder, sessions, faults, outside } = world();
  const one = await connect('d2');
  const mocked = t.mock.method(forwarder, 'fromSession', () => {
    throw new TypeError('a bug');
  });
  one.send(packet({ source: '10.64.0.2' }));
  mocked.mock.restore();
  one.send(packet({ source: '10.64.0.2' }));
  assert.deepEqual([sessions.size, faults.counters.packet, outside.length], [1, 1, 1]);
});

test('asking for addresses gives those that the device has', async () => {
  const { connect } = world();
  const { tunnel, pair, log } = await connect('d5');
  tunnel.requestAddresses([prefix('0.0.0.0/32'), prefix('0.0.0.0/32'), prefix('::/128')]);
  pair.run();
  assert.match(log.events.at(-1) as string, /^assigned 1=10\.64\.0\.5\/32 3=fd00:1::5\/128 rejected 2$/);
});

test('a draining worker lets nobody in', async () => {
  const { connect, sessions } = world();
  await connect('d2');
  sessions.drain();
  assert.match((await connect('d3')).log.events[0] as string, /^refused 503/);
  assert.equal(sessions.size, 1);
});
