import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, frame, headers, lines, RawPeer, varint } from '#protocol/http3/testing/raw.ts';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { acceptIpRequest, type IpTunnel, openIpTunnel } from './connect-ip.ts';
import { openTcpTunnel } from './connect-tcp.ts';
import { acceptUdpRequest, openUdpTunnel, type UdpTunnel } from './connect-udp.ts';
import { ANY_SCOPE } from './ip-scope.ts';
import { ProxyLog } from './testing/proxy-log.ts';
import { connect, IP, send, UDP } from './testing/tunnel-pair.ts';
import { TUNNEL_HEADROOM } from './tunnel.ts';
import { UriTemplate } from './uri-template.ts';

test('CONNECT-UDP: asked, accepted, both ways, closed', () => {
  const { pair, c, client, server } = connect();
  const tunnel = openUdpTunnel(c, UDP, '2001:db8::42', 443, client, lines('authorization: Bearer t')) as UdpTunnel;
  assert.equal(send(tunnel, 'early'), true);
  pair.run();
  assert.deepEqual(server.wanted, ['udp 2001:db8::42 443']);
  assert.equal(
    server.lastHead?.fields.some((field) => field.name === 'capsule-protocol'),
    true,
  );
  const accepted = server.tunnel as UdpTunnel;
  accepted.accept();
  pair.run();
  assert.deepEqual(client.events, ['opened 200']);
  assert.equal(client.lastResponse?.fields[0]?.value, '?1');
  assert.equal(send(tunnel, 'ping') && send(accepted, 'pong'), true);
  assert.equal(send(tunnel, ''), true);
  pair.run();
  assert.deepEqual(server.payloads, ['ping', '']);
  assert.deepEqual(client.payloads, ['pong']);
  assert.equal(tunnel.maxPayloadBytes(), 1200 - 1 - 1);
  tunnel.close();
  pair.run();
  assert.equal(server.closedWith?.reason, 'closed by the peer');
  assert.equal(accepted.state, 'closed');
  assert.equal(c.openRequests, 0);
  assert.equal(send(tunnel, 'late'), false);
  assert.equal(tunnel.counters.notSent, 1);
});

test('after this side closed, what the peer still sends is consumed, so the stream ends', () => {
  const { pair, c, s, client, server } = connect({ h3Datagram: false });
  const tunnel = openUdpTunnel(c, UDP, '192.0.2.1', 53, client) as UdpTunnel;
  pair.run();
  const proxy = server.tunnel as UdpTunnel;
  proxy.accept();
  pair.run();
  for (let i = 0; i < 50; i++) send(proxy, 'x'.repeat(1000));
  tunnel.close();
  pair.run();
  assert.equal(c.openRequests + s.openRequests, 0);
  assert.deepEqual(client.payloads, []);
  assert.equal(pair.server.window, 262_144);
});

test('CONNECT-UDP: refused with Proxy-Status', () => {
  const { pair, c, client, server } = connect();
  openUdpTunnel(c, UDP, 'nowhere.example', 53, client);
  pair.run();
  server.tunnel?.refuse('cb', { error: 'dns_error', rcode: 'NXDOMAIN' });
  pair.run();
  assert.deepEqual(client.events, ['refused 502 dns_error', 'closed']);
  assert.deepEqual(server.events, ['closed']);
  assert.equal(c.openRequests, 0);
});

test('CONNECT-UDP: payloads travel in capsules where datagrams do not', () => {
  for (const options of [{ h3Datagram: false }, { limits: { datagramBytes: 0 } }]) {
    const { pair, c, client, server } = connect({ ...options, piece: 3 });
    const tunnel = openUdpTunnel(c, UDP, '192.0.2.1', 53, client) as UdpTunnel;
    pair.run();
    (server.tunnel as UdpTunnel).accept();
    pair.run();
    assert.equal(tunnel.maxPayloadBytes(), 1500);
    assert.equal(send(tunnel, 'x'.repeat(5000)) && send(tunnel, '') && send(server.tunnel as UdpTunnel, 'back'), true);
    pair.run();
    assert.deepEqual(server.payloads, ['x'.repeat(5000), '']);
    assert.deepEqual(client.payloads, ['back']);
  }
});

test('a payload too large for a datagram is dropped and counted, not put into a capsule (RFC 9298 §6.1)', () => {
  const { pair, c, client, server } = connect();
  const tunnel = openUdpTunnel(c, UDP, '192.0.2.1', 53, client) as UdpTunnel;
  pair.run();
  (server.tunnel as UdpTunnel).accept();
  pair.run();
  assert.equal(send(tunnel, 'x'.repeat(tunnel.maxPayloadBytes() + 1)), false);
  assert.equal(send(tunnel, 'x'.repeat(tunnel.maxPayloadBytes())), true);
  assert.equal(tunnel.counters.notSent, 1);
  pair.run();
  assert.equal(server.payloads.length, 1);
});

/** A server of ours with an accepted tunnel, against raw bytes. */
const rawTunnel = (path: string, protocol: string, accept = true) => {
  const peer = new RawPeer({ piece: 5 });
  const server = new ProxyLog();
  peer.recorder.onRequest = (h3, stream, head) => {
    const taken = acceptUdpRequest(h3, stream, head, UDP, server) || acceptIpRequest(h3, stream, head, IP, server);
    if (!taken) h3.respond(stream, lines(':status: 404'), true);
    else if (accept) server.tunnel?.accept();
  };
  peer.open(false, bytes(0, frame(4, bytes(0x33, 1))));
  let reset: number | undefined;
  peer.quic.sink = { ...peer.quic.sink, streamReset: (_c, _s, code) => (reset = code) };
  const request = [':method: CONNECT', `:protocol: ${protocol}`, ':scheme: https', ':authority: a', `:path: ${path}`];
  const stream = peer.open(true, headers(...request));
  return {
    peer,
    server,
    stream,
    get reset() {
      return reset;
    },
    datagram: (content: Uint8Array) => {
      peer.quic.sendDatagram(bytes(varint(stream / 4), content), 0, content.length + 1);
      peer.pair.run();
    },
    capsules: (...parts: readonly Uint8Array[]) => peer.write(stream, frame(0, bytes(...parts))),
  };
};
const UDP_PATH = '/.well-known/masque/udp/192.0.2.1/53/';
const IP_PATH = '/.well-known/masque/ip/*/*/';

test('targets that make a request malformed (RFC 9298 §3, RFC 9484 §4.6)', () => {
  const table: readonly (readonly [string, string])[] = [
    ['connect-udp', '/.well-known/masque/udp//53/'],
    ['connect-udp', '/.well-known/masque/udp/a//'],
    ['connect-udp', '/.well-known/masque/udp/a/0/'],
    ['connect-udp', '/.well-known/masque/udp/a/65536/'],
    ['connect-udp', '/.well-known/masque/udp/fe80%3A%3A1%25eth0/53/'],
    ['connect-udp', '/.well-known/masque/udp/a%00b/53/'],
    ['connect-ip', '/.well-known/masque/ip//*/'],
    ['connect-ip', '/.well-known/masque/ip/*/256/'],
    ['connect-ip', '/.well-known/masque/ip/192.0.2.1%2F24/*/'],
  ];
  for (const [protocol, path] of table) {
    const tunnel = rawTunnel(path, protocol);
    assert.equal(tunnel.reset, 0x10e, path);
    assert.equal(tunnel.server.wanted.length, 0);
    assert.equal(tunnel.peer.outcome, 'open');
  }
  assert.equal(rawTunnel('/elsewhere', 'connect-udp').server.wanted.length, 0);
  assert.deepEqual(rawTunnel('/.well-known/masque/ip/2001%3Adb8%3A%3A%2F32/6/', 'connect-ip').server.wanted, [
    'ip 2001:db8::/32 6',
  ]);
});

test('contexts: 0 in any length is the payload, others are dropped (RFC 9298 §4)', () => {
  const tunnel = rawTunnel(UDP_PATH, 'connect-udp');
  tunnel.datagram(bytes(0, 'a'));
  tunnel.datagram(bytes(0x40, 0, 'b'));
  tunnel.datagram(bytes(0xc0, 0, 0, 0, 0, 0, 0, 0, 'c'));
  for (const other of [bytes(2, 'x'), bytes(0x40, 1, 'x'), bytes(0x40), bytes()]) tunnel.datagram(other);
  assert.deepEqual(tunnel.server.payloads, ['a', 'b', 'c']);
  assert.equal((tunnel.server.tunnel as UdpTunnel).counters.unknownContext, 4);
  assert.equal(tunnel.peer.outcome, 'open');
});

test('capsules: DATAGRAM is taken, unknown ones are skipped, a truncated one is malformed (RFC 9297 §3)', () => {
  const tunnel = rawTunnel(UDP_PATH, 'connect-udp');
  tunnel.capsules(
    frame(0, bytes(0, 'one')),
    frame(0x17, 'grease'),
    frame(0x1234, 'x'.repeat(9000)),
    frame(0, bytes(0)),
  );
  assert.deepEqual(tunnel.server.payloads, ['one', '']);
  tunnel.peer.write(tunnel.stream, frame(0, bytes(0, 9, 0)), true);
  assert.equal(tunnel.reset, 0x10e);
  assert.deepEqual(tunnel.server.events, ['closed']);
});

test('a UDP payload longer than any ends the stream (RFC 9298 §5)', () => {
  const tunnel = rawTunnel(UDP_PATH, 'connect-udp');
  tunnel.capsules(bytes(0, varint(70_000)));
  assert.equal(tunnel.reset, 0x33);
  const exact = rawTunnel(UDP_PATH, 'connect-udp');
  exact.capsules(frame(0, bytes(0, 'x'.repeat(65_527))));
  assert.equal(exact.server.payloads[0]?.length, 65_527);
  exact.capsules(frame(0, bytes(0, 'x'.repeat(65_528))));
  assert.equal(exact.reset, 0x33);
});

test('an IP packet longer than any is skipped and counted, and the tunnel goes on (RFC 9484 §7.2)', () => {
  const tunnel = rawTunnel(IP_PATH, 'connect-ip');
  tunnel.capsules(frame(0, bytes(0, 'x'.repeat(66_000))), frame(0, bytes(0, 'packet')));
  assert.deepEqual(tunnel.server.payloads, ['packet']);
  assert.equal((tunnel.server.tunnel as IpTunnel).counters.tooLarge, 1);
  assert.equal(tunnel.reset, undefined);
});

test('before the answer: capsules wait within a bound, datagrams are dropped', () => {
  const tunnel = rawTunnel(UDP_PATH, 'connect-udp', false);
  tunnel.datagram(bytes(0, 'early'));
  tunnel.capsules(frame(0, bytes(0, 'held')));
  assert.deepEqual(tunnel.server.payloads, []);
  tunnel.server.tunnel?.accept();
  assert.deepEqual(tunnel.server.payloads, ['held']);
  assert.equal((tunnel.server.tunnel as UdpTunnel).counters.early, 1);
  // 16 KiB with three bytes of header.
  for (const [size, reset] of [
    [16_381, undefined],
    [16_382, 0x107],
  ] as const) {
    const flood = rawTunnel(UDP_PATH, 'connect-udp', false);
    flood.capsules(frame(0x17, 'x'.repeat(size)));
    assert.equal(flood.reset, reset);
  }
});

test('a proxy sends nothing before it accepts, and what it did once is done', () => {
  const { pair, c, client, server } = connect();
  openUdpTunnel(c, UDP, '192.0.2.1', 53, client);
  pair.run();
  const proxy = server.tunnel as UdpTunnel;
  assert.equal(send(proxy, 'early'), false);
  assert.equal(proxy.counters.notSent, 1);
  proxy.accept();
  proxy.accept();
  proxy.refuse('proxy.example', { error: 'destination_unavailable' });
  pair.run();
  assert.equal(send(proxy, 'now'), true);
  pair.run();
  assert.deepEqual(client.events, ['opened 200']);
  assert.deepEqual(client.payloads, ['now']);
  for (let i = 0; i < 2; i++) proxy.close();
  proxy.fail(0x102, 'too late');
  pair.run();
  assert.deepEqual(client.events, ['opened 200', 'closed']);
  assert.deepEqual(server.events, ['closed']);
  assert.equal(server.closedWith?.reason, 'closed');
});

test('a client that gives up before the answer cancels its request', () => {
  const { pair, c, s, client, server } = connect();
  const tunnel = openUdpTunnel(c, UDP, '192.0.2.1', 53, client) as UdpTunnel;
  pair.run();
  tunnel.close();
  pair.run();
  assert.equal(tunnel.state, 'closed');
  assert.equal(server.tunnel?.state, 'closed');
  assert.equal(c.openRequests + s.openRequests, 0);
  assert.deepEqual([client.events, server.events], [['closed'], ['closed']]);
});

test('a payload without room in front is a local error', () => {
  const { c, client } = connect();
  const tunnel = openUdpTunnel(c, UDP, '192.0.2.1', 53, client) as UdpTunnel;
  const buffer = new Uint8Array(TUNNEL_HEADROOM + 1);
  assert.throws(() => tunnel.send(buffer, TUNNEL_HEADROOM - 1, buffer.length), { fault: 'local' });
  assert.equal(tunnel.send(buffer, TUNNEL_HEADROOM, buffer.length), true);
});

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const range = (start: string, end: string, protocol = 0) => ({
  start: parseIpAddress(start) as Uint8Array,
  end: parseIpAddress(end) as Uint8Array,
  protocol,
});

test('CONNECT-IP: addresses asked for and assigned, routes, packets', () => {
  const { pair, c, client, server } = connect({ piece: 2 });
  const tunnel = openIpTunnel(c, IP, ANY_SCOPE, client) as IpTunnel;
  assert.deepEqual(tunnel.requestAddresses([prefix('0.0.0.0/32')]), [], 'not open yet');
  pair.run();
  assert.deepEqual(server.wanted, ['ip * *']);
  const proxy = server.tunnel as IpTunnel;
  assert.equal(proxy.assign([]), false, 'not open yet');
  proxy.accept();
  pair.run();
  const ids = tunnel.requestAddresses([prefix('0.0.0.0/32'), prefix('::/128'), prefix('10.9.9.9/32')]);
  assert.deepEqual(ids, [1, 2, 3]);
  pair.run();
  assert.deepEqual(server.events, ['wanted 1=0.0.0.0/32 2=::/128 3=10.9.9.9/32']);
  proxy.assign([
    { requestId: 1, prefix: prefix('10.64.0.7/32') },
    { requestId: 2, prefix: prefix('fd00::7/128') },
  ]);
  proxy.advertise([range('0.0.0.0', '255.255.255.255'), range('fd00::', 'fd00::ffff')]);
  pair.run();
  assert.deepEqual(client.events.slice(1), [
    'assigned 1=10.64.0.7/32 2=fd00::7/128 rejected 3',
    'routes 0.0.0.0-255.255.255.255/0 fd00::-fd00::ffff/0',
  ]);
  assert.equal(tunnel.assigned.length, 2);
  assert.deepEqual(proxy.wanted, []);
  assert.equal(send(tunnel, 'packet'), true);
  proxy.assign([{ requestId: 1, prefix: prefix('10.64.0.7/32') }]);
  pair.run();
  assert.deepEqual(server.payloads, ['packet']);
  assert.equal(client.events.at(-1), 'assigned 1=10.64.0.7/32 rejected');
  // Network to network: the client assigns and advertises as well.
  tunnel.assign([{ requestId: 0, prefix: prefix('192.0.2.0/24') }]);
  tunnel.advertise([range('192.0.2.0', '192.0.2.255', 6)]);
  pair.run();
  assert.deepEqual(server.events.slice(1), ['assigned 0=192.0.2.0/24 rejected', 'routes 192.0.2.0-192.0.2.255/6']);
  assert.throws(() => proxy.advertise([range('1.0.0.1', '1.0.0.0')]), { fault: 'local' });
  assert.throws(() => tunnel.requestAddresses([]), { fault: 'local' });
  assert.throws(() => tunnel.requestAddresses([{ address: new Uint8Array(4).fill(1), length: 8 }]), { fault: 'local' });
});

test('CONNECT-IP: capsules that end the stream (RFC 9484 §4.7)', () => {
  const v4 = (id: number, last: number, length: number) => bytes(id, 4, 10, 0, 0, last, length);
  const table: readonly (readonly [string, Uint8Array, number])[] = [
    ['ADDRESS_REQUEST empty', frame(2), 0x10e],
    ['Request ID 0', frame(2, v4(0, 0, 32)), 0x10e],
    ['Request ID twice', frame(2, bytes(v4(1, 0, 32), v4(1, 1, 32))), 0x10e],
    ['bits behind the prefix', frame(2, v4(1, 1, 24)), 0x10e],
    ['version', frame(2, bytes(1, 7, 1, 2, 3, 4, 32)), 0x10e],
    ['truncated', frame(2, bytes(1, 4, 1, 2)), 0x10e],
    ['answer to nothing', frame(1, v4(5, 1, 32)), 0x10e],
    ['ADDRESS_ASSIGN truncated', frame(1, bytes(0, 4, 1)), 0x10e],
    ['routes out of order', frame(3, bytes(6, new Uint8Array(32), 0, 4, 1, 1, 1, 1, 2, 2, 2, 2, 0)), 0x10e],
    ['route backwards', frame(3, bytes(4, 2, 2, 2, 2, 1, 1, 1, 1, 0)), 0x10e],
    ['ADDRESS_REQUEST too long', bytes(2, varint(10_000)), 0x107],
    ['ROUTE_ADVERTISEMENT too long', bytes(3, varint(1_000_000)), 0x107],
  ];
  for (const [what, capsule, code] of table) {
    const tunnel = rawTunnel(IP_PATH, 'connect-ip');
    tunnel.capsules(capsule);
    assert.equal(tunnel.reset, code, what);
    assert.deepEqual(tunnel.server.events, ['closed'], what);
    assert.equal(tunnel.peer.outcome, 'open');
  }
  const fine = rawTunnel(IP_PATH, 'connect-ip');
  fine.capsules(frame(1), frame(3), frame(1, v4(0, 0, 24)));
  assert.deepEqual(fine.server.events, ['assigned rejected', 'routes', 'assigned 0=10.0.0.0/24 rejected']);
});

test('CONNECT-IP: address requests that nobody answers are bounded', () => {
  const tunnel = rawTunnel(IP_PATH, 'connect-ip');
  for (let i = 1; i <= 65 && tunnel.reset === undefined; i++)
    tunnel.capsules(frame(2, bytes(varint(i), 4, 0, 0, 0, 0, 32)));
  assert.equal(tunnel.reset, 0x107);
});

test('responses that cannot start a tunnel (RFC 9297 §3.2)', () => {
  for (const [fields, event] of [
    [[':status: 204'], 'closed'],
    [[':status: 205'], 'closed'],
    [[':status: 206'], 'closed'],
    [[':status: 200', 'content-type: text/plain'], 'closed'],
    [[':status: 200', 'content-length: 0'], 'closed'],
    [[':status: 302', 'location: /'], 'refused 302'],
  ] as const) {
    const peer = new RawPeer({ server: false });
    peer.open(false, bytes(0, frame(4, bytes(8, 1, 0x33, 1))));
    const client = new ProxyLog();
    const tunnel = openUdpTunnel(peer.http3, UDP, 'a', 1, client) as UdpTunnel;
    peer.pair.run();
    peer.write(tunnel.stream, headers(...fields));
    assert.equal(client.events[0], event);
    assert.equal(tunnel.state, 'closed');
  }
});

test('no Extended CONNECT before the server offers it, and bad configuration is a local error', () => {
  const peer = new RawPeer({ server: false });
  const client = new ProxyLog();
  assert.equal(openUdpTunnel(peer.http3, UDP, 'a', 1, client), undefined);
  const local = { name: 'MasqueError', fault: 'local' };
  assert.throws(() => openUdpTunnel(peer.http3, new UriTemplate('https://a/{target_host}'), 'a', 1, client), local);
  assert.throws(() => openUdpTunnel(peer.http3, UDP, 'a b', 1, client), local);
  assert.throws(() => openUdpTunnel(peer.http3, UDP, 'a', 0, client), local);
  const noScope = new UriTemplate('https://a/vpn');
  assert.throws(() => openIpTunnel(peer.http3, noScope, { target: '*', ipproto: 6 }, client), local);
  assert.equal(openIpTunnel(peer.http3, noScope, ANY_SCOPE, client), undefined);
  assert.throws(() => openTcpTunnel(peer.http3, 'a', client), local);
});

test('when the connection ends, tunnels hear of it once', () => {
  const { pair, c, s, client, server } = connect();
  openUdpTunnel(c, UDP, '192.0.2.1', 1, client);
  openIpTunnel(c, IP, ANY_SCOPE, client);
  openTcpTunnel(c, 'a:1', client);
  pair.run();
  s.close(0x100, 'bye');
  pair.run();
  assert.deepEqual(server.events, ['closed', 'closed', 'closed']);
  assert.deepEqual(client.events, ['closed', 'closed', 'closed']);
});

test('any content and datagrams: the tunnel lives or ends, the connection goes on, memory is bounded', () => {
  const capsule = fc
    .tuple(fc.constantFrom(0, 1, 2, 3, 0x17), fc.uint8Array({ maxLength: 60 }))
    .map(([type, value]) => frame(type, value));
  const piece = fc.oneof(capsule, fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.constantFrom('connect-udp', 'connect-ip'), fc.array(piece, { maxLength: 8 }), (protocol, pieces) => {
      const tunnel = rawTunnel(protocol === 'connect-udp' ? UDP_PATH : IP_PATH, protocol);
      for (const content of pieces) {
        if (tunnel.server.tunnel?.state !== 'open') break;
        tunnel.datagram(content);
        tunnel.capsules(content);
      }
      assert.equal(tunnel.peer.outcome, 'open');
      if (tunnel.server.tunnel?.state === 'closed') assert.ok([0x10e, 0x107, 0x33].includes(tunnel.reset ?? -1));
      else assert.equal(tunnel.reset, undefined);
    }),
    { numRuns: 300 },
  );
});
