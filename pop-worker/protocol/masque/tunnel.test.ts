import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, frame, headers, RawPeer } from '#protocol/http3/testing/raw.ts';
import { acceptUdpRequest, openUdpTunnel, type UdpTunnel } from './connect-udp.ts';
import { ProxyLog } from './testing/proxy-log.ts';
import { connect, send, UDP } from './testing/tunnel-pair.ts';

/** What the raw peer hears of a stream besides its content. */
const hear = (peer: RawPeer) => {
  const heard: string[] = [];
  peer.quic.sink = {
    ...peer.quic.sink,
    streamData: (connection, stream, _buffer, start, end, fin) => {
      if (end > start) connection.consume(stream, end - start);
      if (fin) heard.push('fin');
    },
    streamReset: (_connection, _stream, code) => heard.push(`reset ${code}`),
    streamStopSending: (_connection, _stream, code) => heard.push(`stop ${code}`),
  };
  return heard;
};

/** A client of ours that has asked a raw proxy for a tunnel. */
const asked = () => {
  const peer = new RawPeer({ server: false });
  peer.open(false, bytes(0, frame(4, bytes(8, 1, 0x33, 1))));
  const client = new ProxyLog();
  const tunnel = openUdpTunnel(peer.http3, UDP, 'a', 1, client) as UdpTunnel;
  peer.pair.run();
  return { peer, client, tunnel, heard: hear(peer) };
};

/** A proxy of ours that a raw client has asked for a tunnel. */
const asking = () => {
  const peer = new RawPeer();
  const server = new ProxyLog();
  peer.recorder.onRequest = (h3, stream, head) => void acceptUdpRequest(h3, stream, head, UDP, server);
  peer.open(false, bytes(0, frame(4, bytes(0x33, 1))));
  const heard = hear(peer);
  const path = ':path: /.well-known/masque/udp/192.0.2.1/53/';
  const request = [':method: CONNECT', ':protocol: connect-udp', ':scheme: https', ':authority: a', path];
  const stream = peer.open(true, headers(...request));
  return { peer, server, stream, heard, tunnel: server.tunnel as UdpTunnel };
};

test('any 2xx opens a tunnel, what comes before it does not, anything above refuses it (RFC 9298 §3.3)', () => {
  for (const [statuses, events] of [
    [[200], ['opened 200']],
    [[299], ['opened 299']],
    [[103, 199, 201], ['opened 201']],
    [[300], ['refused 300', 'closed']],
    [[599], ['refused 599', 'closed']],
    [[103], []],
  ] as const) {
    const { peer, client, tunnel } = asked();
    for (const status of statuses) peer.write(tunnel.stream, headers(`:status: ${status}`));
    assert.deepEqual(client.events, events, `${statuses}`);
  }
});

test('a client that was refused gives its request up at once', () => {
  const { peer, tunnel, heard } = asked();
  peer.write(tunnel.stream, headers(':status: 403'));
  // H3_REQUEST_CANCELLED, both ways.
  assert.deepEqual(heard.toSorted(), ['reset 268', 'stop 268']);
  assert.equal(tunnel.state, 'closed');
});

test('a proxy that refuses answers, ends, and reads no more (RFC 9114 §4.1)', () => {
  const { peer, server, heard, tunnel } = asking();
  tunnel.refuse('proxy.example', { error: 'destination_unavailable' });
  assert.equal(tunnel.state, 'closed');
  assert.deepEqual(server.events, ['closed']);
  assert.equal(server.closedWith?.reason, 'destination_unavailable');
  peer.pair.run();
  assert.deepEqual(heard.toSorted(), ['fin', 'stop 256']);
});

test('a client that has said all before the answer has its tunnel closed after what it said', () => {
  const { peer, server, stream, tunnel, heard } = asking();
  peer.write(stream, frame(0, frame(0, bytes(0, 'all'))), true);
  assert.deepEqual([tunnel.state, server.events], ['waiting', []]);
  tunnel.accept();
  peer.pair.run();
  assert.deepEqual(server.payloads, ['all']);
  assert.deepEqual(server.events, ['closed']);
  assert.equal(server.closedWith?.reason, 'closed by the peer');
  assert.deepEqual(heard, ['fin']);
});

test('a client that ends inside a capsule before the answer has sent a malformed message', () => {
  const { peer, server, stream, tunnel, heard } = asking();
  peer.write(stream, frame(0, bytes(0, 9, 0)), true);
  tunnel.accept();
  peer.pair.run();
  assert.deepEqual([server.payloads, server.events], [[], ['closed']]);
  assert.ok(heard.includes('reset 270'), heard.join());
});

test('a proxy that stops a client before it answers still has its answer heard, but opens nothing', () => {
  for (const [status, events] of [
    [':status: 403', ['refused 403', 'closed']],
    [':status: 200', ['closed']],
  ] as const) {
    const { peer, client, tunnel } = asked();
    peer.quic.stopSending(tunnel.stream, 0x100);
    peer.pair.run();
    assert.deepEqual([tunnel.state, client.events], ['waiting', []]);
    peer.write(tunnel.stream, headers(status));
    assert.deepEqual(client.events, events);
  }
});

test('a tunnel that is open ends when the peer stops it or resets it', () => {
  for (const act of [
    (peer: RawPeer, stream: number) => peer.quic.stopSending(stream, 0x10c),
    (peer: RawPeer, stream: number) => peer.quic.reset(stream, 0x10c),
  ]) {
    const { peer, server, stream, heard, tunnel } = asking();
    tunnel.accept();
    act(peer, stream);
    peer.pair.run();
    assert.deepEqual([tunnel.state, server.events], ['closed', ['closed']]);
    assert.deepEqual([server.closedWith?.by, server.closedWith?.code], ['remote', 0x10c]);
    assert.ok(
      heard.some((each) => each.endsWith(' 268')),
      heard.join(),
    );
  }
});

test('a client that stops a proxy before it answers has no tunnel', () => {
  const { peer, server, stream, tunnel } = asking();
  peer.quic.stopSending(stream, 0x10c);
  peer.pair.run();
  assert.deepEqual([tunnel.state, server.events], ['closed', ['closed']]);
});

test('payloads in capsules wait up to a bound, then they are dropped and counted', () => {
  const { pair, c, client, server } = connect({ h3Datagram: false });
  const tunnel = openUdpTunnel(c, UDP, '192.0.2.1', 53, client) as UdpTunnel;
  pair.run();
  (server.tunnel as UdpTunnel).accept();
  pair.run();
  const sent = Array.from({ length: 1000 }, () => send(tunnel, 'x'.repeat(1000))).filter(Boolean).length;
  assert.ok(sent >= 64 && sent < 1000, `${sent}`);
  assert.equal(tunnel.counters.notSent, 1000 - sent);
  pair.run();
  assert.equal(server.payloads.length, sent);
  assert.equal(send(tunnel, 'again'), true);
});
