import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { UdpSocket } from '#host/udp/socket.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { MemoryPair } from '#protocol/http3/testing/pair.ts';
import { Recorder } from '#protocol/http3/testing/recorder.ts';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { openTcpTunnel, TcpTunnel } from '#protocol/masque/connect-tcp.ts';
import { openUdpTunnel, UdpTunnel } from '#protocol/masque/connect-udp.ts';
import { ProxyLog } from '#protocol/masque/testing/proxy-log.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';
import { defaultUdpTemplate } from '#protocol/masque/uri-template.ts';
import type { Admission } from '../admission.ts';
import { Endings } from '../endings.ts';
import { Faults } from '../faults.ts';
import { Carriers } from '../forward/carriers.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import { EdgeRequests } from './edge-requests.ts';
import { IpSessions } from './ip-sessions.ts';
import { Targets } from './targets.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { UdpProxy } from './udp-proxy.ts';

const UDP = defaultUdpTemplate('edge.example');
const TOKEN = [{ name: 'proxy-authorization', value: 'Bearer x' }];
const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const TENANTS = [
  ['acme', '10.64.0.0/24', 'fd00:1::/48'],
  ['globex', '172.16.0.0/24', 'fd00:2::/48'],
] as const;
const ALLOWED: Prefix[] = [prefix('127.0.0.0/8')];

/** Proxies behind an HTTP/3 connection in memory; loopback is allowed only where a test says so. */
const world = async (options: { allow?: Prefix[]; egress?: boolean; maxPerDevice?: number } = {}) => {
  const revoked = { now: false };
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
  for (const [tenant, ...networks] of TENANTS) tenants.defineTenant(tenant, networks.map(prefix));
  const admission = {
    admit: async (authorization?: string) =>
      authorization === 'Bearer x'
        ? { tenant: 'acme', device: 'd', egress: options.egress ?? true }
        : { status: 401, reason: 'no token' },
    objection: () => (revoked.now ? { status: 403, reason: 'revoked' } : undefined),
  } as unknown as Admission;
  const targets = new Targets({
    admission,
    tenants,
    policy: { deny: [], allow: options.allow ?? [] },
    maxPerDevice: options.maxPerDevice ?? 10,
    resolve: async (name) => {
      if (name === 'slow.example') {
        // Revoked while the name is resolved.
        await new Promise(setImmediate);
        revoked.now = true;
        return [parseIpAddress('127.0.0.1') as Uint8Array];
      }
      if (name === 'inside.example') return [parseIpAddress('127.0.0.1') as Uint8Array];
      throw Object.assign(new Error(), { code: 'ENOTFOUND' });
    },
  });
  const told: string[] = [];
  const faults = new Faults((_place, error) => void told.push(error));
  const udp = new UdpProxy(targets, 'edge', () => now.ms, faults);
  const tcp = new TcpProxy(targets, 'edge', faults);
  const now = { ms: 0 };
  const pair = new MemoryPair(5);
  const client = new Http3Connection(pair.client, new Recorder());
  const handlers = { udp, tcp, ip: new IpSessions({ admission } as ConstructorParameters<typeof IpSessions>[0]) };
  pair.connect(client.events, new Http3Connection(pair.server, new EdgeRequests(handlers)).events);
  pair.run();
  const until = async (condition: () => boolean): Promise<void> => {
    for (const deadline = Date.now() + 5000; !condition(); ) {
      assert.ok(Date.now() < deadline, 'it did not happen within 5 s');
      await new Promise(setImmediate);
      pair.run();
    }
  };
  return { pair, client, udp, tcp, targets, now, until, endings: new Endings([udp, tcp]), faults, told };
};

const send = (tunnel: UdpTunnel, text: string): void => {
  const buffer = Buffer.concat([Buffer.alloc(TUNNEL_HEADROOM), Buffer.from(text)]);
  assert.ok(tunnel.send(buffer, TUNNEL_HEADROOM, buffer.length));
};

const udpEcho = async (t: TestContext): Promise<number> => {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`echo ${message}`, from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.after(() => socket.close());
  return socket.address().port;
};

const tcpEcho = async (t: TestContext): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as { port: number }).port;
};

test('UDP goes to the target and back, and an idle flow ends', async (t) => {
  const { client, until, udp, now, pair } = await world({ allow: ALLOWED });
  const port = await udpEcho(t);
  const log = new ProxyLog();
  const tunnel = openUdpTunnel(client, UDP, 'inside.example', port, log, TOKEN) as UdpTunnel;
  await until(() => tunnel.state === 'open');
  send(tunnel, 'one');
  await until(() => log.payloads.length === 1);
  assert.deepEqual(log.payloads, ['echo one']);
  now.ms = 120_000;
  udp.expire();
  assert.equal(udp.size, 1);
  now.ms = 120_001;
  udp.expire();
  pair.run();
  assert.deepEqual([udp.size, log.events.at(-1)], [0, 'closed']);
});

test('a megabyte of TCP goes to the target and back, and both ends close', async (t) => {
  const { client, until, tcp } = await world({ allow: ALLOWED });
  const port = await tcpEcho(t);
  const log = new ProxyLog();
  const tunnel = openTcpTunnel(client, `127.0.0.1:${port}`, log, TOKEN) as TcpTunnel;
  await until(() => tunnel.state === 'open');
  const text = 'abcdefgh'.repeat(8192);
  for (let i = 0; i < 16; i++) tunnel.write(Buffer.from(text));
  tunnel.finish();
  await until(() => log.events.includes('closed'));
  assert.equal(log.received, text.repeat(16));
  assert.equal(log.closedWith, undefined);
  assert.equal(tcp.size, 0);
});

test('refused ports, names that do not resolve, forbidden targets and tokens are told apart', async (t) => {
  const port = await tcpEcho(t);
  const of = async (authority: string, options: Parameters<typeof world>[0] = {}, token = TOKEN): Promise<string> => {
    const { client, until } = await world(options);
    const log = new ProxyLog();
    openTcpTunnel(client, authority, log, token);
    await until(() => log.events.includes('closed'));
    return log.events[0] as string;
  };
  assert.equal(await of('127.0.0.1:1', { allow: ALLOWED }), 'refused 502 connection_refused');
  assert.equal(await of('nowhere.example:80'), 'refused 502 dns_error');
  assert.equal(await of(`inside.example:${port}`), 'refused 403 destination_ip_prohibited');
  assert.equal(await of('169.254.169.254:80'), 'refused 403 destination_ip_prohibited');
  assert.equal(await of('[::ffff:127.0.0.1]:80', { allow: ALLOWED }), 'refused 403 destination_ip_prohibited');
  assert.equal(await of(`127.0.0.1:${port}`, { allow: ALLOWED, egress: false }), 'refused 403 http_request_denied');
  assert.equal(await of(`127.0.0.1:${port}`, { allow: ALLOWED }, []), 'refused 401 http_request_denied');
});

test('addresses of devices are no targets, however written, and refusals are counted by why', async () => {
  const { client, until, targets } = await world({ allow: ALLOWED });
  const of = async (authority: string, token = TOKEN): Promise<string> => {
    const log = new ProxyLog();
    openTcpTunnel(client, authority, log, token);
    await until(() => log.events.includes('closed'));
    return log.events[0] as string;
  };
  // Of the own tenant, of another one, and what stands for a device.
  const devices = [
    '10.64.0.3',
    '[fd00:1::3]',
    '[fd00:2::3]',
    '100.64.0.7',
    '[::ffff:100.64.0.7]',
    '[64:ff9b::10.64.0.3]',
  ];
  for (const host of devices) assert.equal(await of(`${host}:80`), 'refused 403 destination_ip_prohibited', host);
  assert.equal(await of('nowhere.example:80'), 'refused 502 dns_error');
  assert.equal(await of('127.0.0.1:1', []), 'refused 401 http_request_denied');
  assert.deepEqual(targets.refused, { token: 1, no_egress: 0, limit: 0, destination: devices.length, name: 1 });
});

test('a device has a limited number of tunnels, and gets one back when one ends', async (t) => {
  const { client, until, udp } = await world({ allow: ALLOWED, maxPerDevice: 2 });
  const port = await udpEcho(t);
  const open = () => {
    const log = new ProxyLog();
    return { log, tunnel: openUdpTunnel(client, UDP, '127.0.0.1', port, log, TOKEN) as UdpTunnel };
  };
  const all = [open(), open(), open()];
  await until(() => all.every(({ log }) => log.events.length > 0));
  const events = all.map(({ log }) => log.events[0]).sort();
  assert.deepEqual(events, ['opened 200', 'opened 200', 'refused 503 connection_limit_reached']);
  const [first, second] = all.filter(({ tunnel }) => tunnel.state === 'open');
  first?.tunnel.close();
  await until(() => first?.log.events.includes('closed') === true);
  const again = open();
  await until(() => again.log.events.length > 0);
  assert.equal(again.log.events[0], 'opened 200');
  // Sockets of open tunnels keep the process alive.
  for (const { tunnel } of [second, again].filter((each) => each !== undefined)) tunnel.close();
  await until(() => udp.size === 0);
});

test('open tunnels to a destination that is refused later end, others go on', async (t) => {
  const { client, until, udp, tcp, endings } = await world({ allow: ALLOWED });
  const cut: (string | undefined)[] = [];
  const server = createServer((socket) => socket.on('error', ({ code }: NodeJS.ErrnoException) => cut.push(code)));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const open = (host: string) => {
    const log = new ProxyLog();
    const tcpTunnel = openTcpTunnel(client, `${host}:${port}`, log, TOKEN) as TcpTunnel;
    const udpTunnel = openUdpTunnel(client, UDP, host, port, log, TOKEN) as UdpTunnel;
    return { tcpTunnel, udpTunnel, states: () => [tcpTunnel.state, udpTunnel.state].join() };
  };
  const [refused, other] = [open('127.0.0.2'), open('127.0.0.3')];
  await until(() => refused.states() === 'open,open' && other.states() === 'open,open');
  const policy = { deny: [parsePrefix('127.0.0.2/32') as Prefix], allow: [parsePrefix('127.0.0.3/32') as Prefix] };
  endings.refuse(policy);
  await until(() => refused.states() === 'closed,closed' && cut.length > 0);
  assert.deepEqual(cut, ['ECONNRESET'], 'the target hears of it');
  assert.deepEqual([tcp.size, udp.size, endings.counters.destination_refused], [1, 1, 2]);
  assert.equal(other.states(), 'open,open');
  // Sockets of open tunnels keep the process alive.
  other.tcpTunnel.fail('the test is over');
  other.udpTunnel.close();
  await until(() => tcp.size + udp.size === 0);
});

test('who is revoked while a name is resolved gets no tunnel that nobody would end', async (t) => {
  const { client, until, tcp } = await world({ allow: ALLOWED });
  const port = await tcpEcho(t);
  const log = new ProxyLog();
  openTcpTunnel(client, `slow.example:${port}`, log, TOKEN);
  await until(() => log.events.includes('closed'));
  assert.equal(log.events[0], 'refused 403 http_request_denied');
  assert.equal(tcp.size, 0);
});

test('a bug met at a socket ends its tunnel, gives its place back, and no other tunnel feels it', async (t) => {
  const { client, until, udp, tcp, faults, told } = await world({ allow: ALLOWED, maxPerDevice: 3 });
  const bug = (): never => {
    throw new TypeError('a bug');
  };
  const [udpPort, tcpPort] = [await udpEcho(t), await tcpEcho(t)];
  const healthy = new ProxyLog();
  const spared = openUdpTunnel(client, UDP, '127.0.0.1', udpPort, healthy, TOKEN) as UdpTunnel;
  await until(() => spared.state === 'open');
  const overUdp = (log: ProxyLog) => openUdpTunnel(client, UDP, '127.0.0.1', udpPort, log, TOKEN) as UdpTunnel;
  const overTcp = (log: ProxyLog) => openTcpTunnel(client, `127.0.0.1:${tcpPort}`, log, TOKEN) as TcpTunnel;
  /** What comes of a tunnel when this method throws the next time that it is called. */
  const endOf = async (open: (log: ProxyLog) => UdpTunnel | TcpTunnel, of: object, name: string): Promise<string> => {
    const mocked = t.mock.method(of as Record<string, () => void>, name, bug, { times: 1 });
    const log = new ProxyLog();
    const tunnel = open(log);
    await until(() => tunnel.state !== 'waiting');
    if (tunnel.state === 'open' && tunnel instanceof TcpTunnel) tunnel.write(Buffer.from('x'));
    else if (tunnel.state === 'open') send(tunnel as UdpTunnel, 'x');
    await until(() => log.events.includes('closed'));
    mocked.mock.restore();
    return log.events[0] as string;
  };
  const refused = 'refused 500 proxy_internal_error';
  for (let round = 0; round < 2; round++) {
    assert.equal(await endOf(overUdp, UdpSocket.prototype, 'onReadable'), refused);
    assert.equal(await endOf(overUdp, UdpTunnel.prototype, 'accept'), refused);
    assert.equal(await endOf(overUdp, UdpSocket.prototype, 'receive'), 'opened 200');
    assert.equal(await endOf(overTcp, TcpTunnel.prototype, 'accept'), refused);
    assert.equal(await endOf(overTcp, TcpTunnel.prototype, 'consumed'), 'opened 200');
  }
  assert.deepEqual([udp.size, tcp.size, faults.counters.tunnel], [1, 0, 10]);
  assert.equal(told.length, 5, 'each once');
  send(spared, 'still');
  await until(() => healthy.payloads.length === 1);
  spared.close();
  await until(() => udp.size === 0);
});

test('a socket that does not open for want of resources is told from any other that does not', async (t) => {
  const { client, until, udp } = await world({ allow: ALLOWED, maxPerDevice: 1 });
  const withCode = async (code: string): Promise<string> => {
    const mocked = t.mock.method(UdpSocket, 'open', () => {
      throw Object.assign(new Error(code), { code });
    });
    const log = new ProxyLog();
    openUdpTunnel(client, UDP, '127.0.0.1', 9, log, TOKEN);
    await until(() => log.events.includes('closed'));
    mocked.mock.restore();
    return log.events[0] as string;
  };
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
    assert.equal(await withCode(code), 'refused 503 connection_limit_reached', code);
  for (const code of ['EAFNOSUPPORT', 'EACCES', 'ERR_INVALID_ARG_VALUE'])
    assert.equal(await withCode(code), 'refused 500 proxy_internal_error', code);
  assert.deepEqual(udp.unopened, { limit: 4, internal: 3 });
  assert.equal(udp.size, 0);
});
