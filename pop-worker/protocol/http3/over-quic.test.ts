import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptIpRequest, type IpTunnel, openIpTunnel } from '#protocol/masque/connect-ip.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { ProxyLog } from '#protocol/masque/testing/proxy-log.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import type { LinkOptions } from '#protocol/quic/testing/link.ts';
import { Pair } from '#protocol/quic/testing/pair.ts';
import { Http3Binding } from './binding.ts';
import { Http3Connection } from './connection.ts';
import { bytes, GET, lines } from './testing/raw.ts';
import { Recorder } from './testing/recorder.ts';
import { redirect } from './testing/redirect.ts';

const connect = (link: LinkOptions) => {
  const pair = new Pair({ seed: 7, link });
  const client = new Recorder();
  const server = new Recorder();
  const clientBinding = new Http3Binding((quic) => new Http3Connection(quic, client));
  const serverBinding = new Http3Binding((quic) => new Http3Connection(quic, server));
  redirect(pair.clientSink, clientBinding);
  pair.onAccept = (sink) => redirect(sink, serverBinding);
  const c = clientBinding.bind(pair.connect());
  assert.ok(
    pair.run(() => client.peer !== undefined && server.peer !== undefined),
    'settings arrive',
  );
  return { pair, client, server, c, s: () => serverBinding.http3 as Http3Connection };
};

const CLEAN: LinkOptions = { delayUs: 10_000 };
const LOSSY: LinkOptions = { delayUs: 10_000, jitterUs: 5000, loss: 0.05, duplicate: 0.02 };

test('over real QUIC, with loss and reordering: requests, large bodies, both ways', () => {
  for (const link of [CLEAN, LOSSY]) {
    const { pair, client, server, c, s } = connect(link);
    server.onEnd = (http3, stream) => {
      http3.respond(stream, lines(':status: 200'), false);
      http3.sendBody(stream, bytes('y'.repeat(30_000)), false);
      http3.sendTrailers(stream, lines('x-sum: 1'));
    };
    const streams = Array.from({ length: 10 }, () => {
      const stream = c.openRequest(lines(...GET), false);
      c.sendBody(stream, bytes('x'.repeat(5000)), true);
      return stream;
    });
    assert.ok(pair.run(() => streams.every((stream) => client.log(stream).closed) && s().openRequests === 0));
    for (const stream of streams) {
      assert.equal(server.log(stream).body.length, 5000);
      assert.equal(client.log(stream).body.length, 30_000);
      assert.deepEqual(client.log(stream).trailers, lines('x-sum: 1'));
      assert.equal(client.log(stream).ended, true);
    }
    assert.equal(c.openRequests, 0);
    // More of them, a round trip later: what repeats is in the tables now, whatever was lost.
    for (let round = 0; round < 10; round++) {
      const again = [0, 1, 2].map(() =>
        c.openRequest(lines(...GET, 'user-agent: some agent', `x-round: ${round}`), true),
      );
      assert.ok(pair.run(() => again.every((stream) => client.log(stream).ended)));
      for (const stream of again) {
        assert.deepEqual(server.log(stream).request?.fields, lines('user-agent: some agent', `x-round: ${round}`));
        assert.deepEqual(client.log(stream).trailers, lines('x-sum: 1'));
      }
    }
    const [of, at] = [c.qpackCounters, s().qpackCounters];
    assert.ok(of.references.sent > 40 && of.references.sent === at.references.received, `${of.references.sent} sent`);
    assert.ok(at.references.sent > 20 && at.references.sent === of.references.received, `${at.references.sent} sent`);
  }
});

test('over real QUIC: a CONNECT-IP tunnel carries packets in datagrams, then closes', () => {
  const { pair, server, c, s } = connect(CLEAN);
  const template = defaultIpTemplate('proxy.example');
  const proxy = new ProxyLog();
  const device = new ProxyLog();
  server.onRequest = (http3, stream, head) => {
    assert.ok(acceptIpRequest(http3, stream, head, template, proxy));
    (proxy.tunnel as IpTunnel).accept();
  };
  const tunnel = openIpTunnel(c, template, ANY_SCOPE, device) as IpTunnel;
  assert.ok(pair.run(() => tunnel.state === 'open'));
  assert.ok(tunnel.maxPayloadBytes() > 1000, `room for ${tunnel.maxPayloadBytes()} bytes`);
  tunnel.requestAddresses([{ address: new Uint8Array(4), length: 32 }]);
  assert.ok(pair.run(() => proxy.events.length === 1));
  (proxy.tunnel as IpTunnel).assign([{ requestId: 1, prefix: { address: Uint8Array.of(10, 64, 0, 7), length: 32 } }]);
  assert.ok(pair.run(() => device.events.includes('assigned 1=10.64.0.7/32 rejected')));
  const packet = bytes('#'.repeat(TUNNEL_HEADROOM), 'p'.repeat(1000));
  for (let i = 0; i < 10; i++) assert.equal(tunnel.send(packet, TUNNEL_HEADROOM, packet.length), true);
  assert.ok(pair.run(() => proxy.payloads.length === 10));
  assert.deepEqual(proxy.payloads[9], 'p'.repeat(1000));
  tunnel.close();
  assert.ok(pair.run(() => proxy.events.includes('closed') && c.openRequests === 0 && s().openRequests === 0));
});

test('over real QUIC: an HTTP/3 error closes the connection at both ends with its code', () => {
  const { pair, client, server, c } = connect(CLEAN);
  const stream = c.openRequest(lines(...GET), false);
  c.quic.write(stream, bytes(2, 0), false);
  assert.ok(pair.run(() => client.closedWith !== undefined && server.closedWith !== undefined));
  assert.deepEqual([client.closedWith?.code, client.closedWith?.application], [0x105, true]);
  assert.deepEqual([server.closedWith?.code, server.closedWith?.by], [0x105, 'local']);
});
