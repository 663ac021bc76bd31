import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { lines } from '#protocol/http3/testing/raw.ts';
import { Recorder } from '#protocol/http3/testing/recorder.ts';
import { acceptIpRequest, type IpTunnel, openIpTunnel } from '#protocol/masque/connect-ip.ts';
import { acceptTcpRequest, openTcpTunnel, type TcpTunnel } from '#protocol/masque/connect-tcp.ts';
import { acceptUdpRequest, openUdpTunnel, type UdpTunnel } from '#protocol/masque/connect-udp.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { ProxyLog } from '#protocol/masque/testing/proxy-log.ts';
import { IP, send, UDP } from '#protocol/masque/testing/tunnel-pair.ts';
import { Http2Connection } from './connection.ts';
import { Http2Listener } from './listener.ts';

const authority = createAuthority('Carrier test authority');
const { certificateChain, privateKey } = authority.issue('edge.test');
const IDENTITY = { certificate: certificateChain, key: privateKey as string };
const LIMITS = { connections: 20, handshakes: 5 };
const TURNS = { turnOver: () => {} };

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const end = Date.now() + 10_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 5)))
    assert.ok(Date.now() < end, `in vain: ${what}`);
};

/** A proxy that takes every kind of tunnel. */
const proxy = async (t: TestContext, limits = LIMITS) => {
  const server = new ProxyLog();
  const requests = new Recorder();
  const listener = new Http2Listener({
    ...{ identity: IDENTITY, limits, ...TURNS },
    requests: Object.assign(requests, {
      request: (http: Http2Connection, stream: number, head: Parameters<typeof acceptTcpRequest>[2]) => {
        const taken =
          acceptUdpRequest(http, stream, head, UDP, server) ||
          acceptIpRequest(http, stream, head, IP, server) ||
          acceptTcpRequest(http, stream, head, server);
        if (!taken) http.respond(stream, lines(':status: 404'), true);
      },
    }),
  });
  const port = await listener.listen('127.0.0.1', 0, false);
  t.after(() => listener.close());
  return { server, listener, port };
};

const dial = async (t: TestContext, port: number): Promise<Http2Connection> => {
  const options = { ca: authority.pem, servername: 'edge.test', ALPNProtocols: ['h2'] };
  const session = connect('https://edge.test', {
    createConnection: () => connectTls({ host: '127.0.0.1', port, ...options }),
  });
  session.on('error', () => {});
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  return new Http2Connection(session, false, TURNS);
};

test('CONNECT-UDP and CONNECT-IP carry payloads in capsules, both ways', async (t) => {
  const { server, listener, port } = await proxy(t);
  const http = await dial(t, port);
  const client = new ProxyLog();
  const udp = openUdpTunnel(http, UDP, '192.0.2.1', 53, client) as UdpTunnel;
  await until('it is asked for', () => server.wanted.length === 1);
  (server.tunnel as UdpTunnel).accept();
  await until('it is open', () => udp.state === 'open');
  assert.equal(udp.maxPayloadBytes(), 1500);
  const sent = Array.from({ length: 50 }, (_, i) => String.fromCharCode(65 + (i % 26)).repeat(i * 30));
  for (const text of sent) assert.ok(send(udp, text));
  assert.ok(send(server.tunnel as UdpTunnel, 'back'));
  await until('all is there', () => server.payloads.length === sent.length && client.payloads.length === 1);
  assert.deepEqual([server.payloads, client.payloads], [sent, ['back']]);
  const ip = openIpTunnel(http, IP, ANY_SCOPE, client) as IpTunnel;
  await until('that too is asked for', () => server.wanted.length === 2);
  assert.deepEqual(server.wanted, ['udp 192.0.2.1 53', 'ip * *']);
  const proxied = server.tunnel as IpTunnel;
  proxied.accept();
  proxied.assign([{ requestId: 0, prefix: { address: Uint8Array.of(10, 0, 0, 1), length: 32 } }]);
  await until('it has its address', () => client.events.some((event) => event.startsWith('assigned')));
  assert.ok(client.events.includes('assigned 0=10.0.0.1/32 rejected'), client.events.join());
  ip.close();
  udp.close();
  await until('both are closed', () => server.events.filter((event) => event === 'closed').length === 2);
  await until('nothing is left of them', () => http.openRequests === 0);
  assert.deepEqual([listener.size, listener.counters.handshakes], [1, 1]);
});

test('a refusal says why, and an ending has its code', async (t) => {
  const { server, port } = await proxy(t);
  const http = await dial(t, port);
  const client = new ProxyLog();
  openUdpTunnel(http, UDP, 'nowhere.example', 53, client);
  await until('it is asked for', () => server.wanted.length === 1);
  server.tunnel?.refuse('cb', { error: 'dns_error', rcode: 'NXDOMAIN' });
  await until('it is refused', () => client.events.includes('closed'));
  assert.deepEqual(client.events, ['refused 502 dns_error', 'closed']);
  const tcp = openTcpTunnel(http, 'host.example:80', client) as TcpTunnel;
  await until('it is asked for', () => server.wanted.length === 2);
  (server.tunnel as TcpTunnel).accept();
  await until('it is open', () => client.events.includes('opened 200'));
  (server.tunnel as TcpTunnel).fail('the far end is gone');
  await until('that is told', () => tcp.state === 'closed');
  assert.equal(client.closedWith?.code, 0x10f);
});

test('bulk through CONNECT: all of it, in order, and whoever does not read stops whoever sends', async (t) => {
  const { server, port } = await proxy(t);
  const http = await dial(t, port);
  const client = new ProxyLog();
  const tcp = openTcpTunnel(http, 'host.example:80', client) as TcpTunnel;
  await until('it is asked for', () => server.wanted.length === 1);
  let taken = 0;
  let held = 0;
  server.data = (tunnel, _buffer, start, end) => {
    taken += end - start;
    held += end - start;
    if (isReading) tunnel.consumed(end - start);
  };
  let isReading = false;
  (server.tunnel as TcpTunnel).accept();
  await until('it is open', () => tcp.state === 'open');
  const total = 16 << 20;
  for (let sent = 0; sent < total; sent += 1 << 20) assert.ok(tcp.write(new Uint8Array(1 << 20)));
  await until('it stands', () => taken > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(taken < 4 << 20, `${taken} bytes were taken by one that reads nothing`);
  assert.ok(tcp.bufferedBytes() > 8 << 20);
  isReading = true;
  (server.tunnel as TcpTunnel).consumed(held);
  await until('all is there', () => taken === total);
  tcp.finish();
  await until('the end is told', () => server.events.includes('finished'));
});

test('drain: those there are told to go, nobody new is let in; undrain', async (t) => {
  const { listener, port } = await proxy(t);
  const http = await dial(t, port);
  const gone = once(http.session, 'goaway');
  listener.drain();
  await gone;
  await until('it is gone', () => listener.size === 0);
  const refused = connectTcp(port, '127.0.0.1');
  await assert.rejects(once(refused, 'end'), { code: 'ECONNRESET' });
  assert.equal(listener.counters.refused.draining, 1);
  listener.undrain();
  await dial(t, port);
  assert.equal(listener.size, 1);
});

test('handshakes that never end keep others out only as long as they may, and connections have a limit', async (t) => {
  const { listener, port } = await proxy(t, { connections: 8, handshakes: 3 });
  const slow = Array.from({ length: 5 }, () => connectTcp(port, '127.0.0.1').on('error', () => {}));
  await until('two are refused', () => listener.counters.refused.handshakes === 2);
  for (const socket of slow) socket.destroy();
  await until('they have failed', () => listener.counters.failedHandshakes === 3);
  const links: Http2Connection[] = [];
  for (let i = 0; i < 8; i++) links.push(await dial(t, port));
  const ninth = connectTcp(port, '127.0.0.1').on('error', () => {});
  await until('one is refused', () => listener.counters.refused.connections === 1);
  ninth.destroy();
  assert.equal(listener.size, 8);
});

test('hostile clients lose their own connection and no more', async (t) => {
  const { listener, port } = await proxy(t);
  const good = await dial(t, port);
  const secure = async () => {
    const options = { ca: authority.pem, servername: 'edge.test', ALPNProtocols: ['h2'] };
    const socket = connectTls({ host: '127.0.0.1', port, ...options });
    await once(socket.on('error', () => {}).resume(), 'secureConnect');
    return socket;
  };
  const garbage = await secure();
  garbage.write(Buffer.alloc(1000, 0x55));
  await until('garbage ends it', () => garbage.closed);
  const plain = connectTcp(port, '127.0.0.1').on('error', () => {});
  plain.resume().write('GET / HTTP/1.1\r\n\r\n');
  await until('so does what is no TLS', () => plain.closed);
  const old = connectTls({
    host: '127.0.0.1',
    port,
    ca: authority.pem,
    servername: 'edge.test',
    maxVersion: 'TLSv1.2',
  });
  await assert.rejects(once(old, 'secureConnect'));
  const fast = await dial(t, port);
  const session = fast.session as ClientHttp2Session;
  // Rapid reset (CVE-2023-44487).
  for (let round = 0; round < 40 && !session.destroyed; round++) {
    const streams = Array.from({ length: 20 }, () => {
      return session.request({ ':method': 'CONNECT', ':authority': 'a:1' }).on('error', () => {});
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until('who opens streams to reset them is sent away', () => session.destroyed);
  await until('only the good one is left', () => listener.size === 1);
  const client = new ProxyLog();
  assert.ok(openUdpTunnel(good, UDP, 'a', 1, client));
});

test('a malformed request is reset, and an unknown one answered', async (t) => {
  const { port } = await proxy(t);
  const http = await dial(t, port);
  const session = http.session as ClientHttp2Session;
  const wrong = session.request({ ':method': 'CONNECT', ':authority': 'no-port' });
  wrong.on('error', () => {});
  await until('it is reset', () => wrong.closed);
  assert.equal(wrong.rstCode, constants.NGHTTP2_PROTOCOL_ERROR);
  const unknown = session.request({ ':method': 'GET', ':path': '/' });
  const [headers] = (await once(unknown, 'response')) as [Record<string, unknown>];
  assert.equal(headers[':status'], 404);
});
