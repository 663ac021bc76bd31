import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { bytes, lines } from '#protocol/http3/testing/raw.ts';
import { Recorder } from '#protocol/http3/testing/recorder.ts';
import { redirect } from '#protocol/http3/testing/redirect.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import { LoggedPair } from './testing/logged-pair.ts';
import type { Recorded } from './testing/recorded.ts';
import { eventFault } from './testing/schema.ts';

const SECRET = 'a-token-that-nobody-may-see';

const connect = () => {
  const logged = new LoggedPair();
  const { pair } = logged;
  const client = new Recorder();
  const server = new Recorder();
  const http3 = (quic: QuicConnection, recorder: Recorder) => {
    const observer = logged.logs.get(quic as Connection)?.trace.http3;
    return new Http3Connection(quic, recorder, observer && { observer });
  };
  const clientBinding = new Http3Binding((quic) => http3(quic, client));
  const serverBinding = new Http3Binding((quic) => http3(quic, server));
  redirect(pair.clientSink, clientBinding);
  pair.onAccept = (sink) => redirect(sink, serverBinding);
  const c = clientBinding.bind(pair.connect());
  assert.ok(pair.run(() => client.peer !== undefined && server.peer !== undefined));
  return { logged, pair, client, server, c, s: () => serverBinding.http3 as Http3Connection };
};

const frames = (log: Recorded, what: string) =>
  log.of(`http3:frame_${what}`).map(({ stream_id: id, frame }) => ({ id, ...(frame as { frame_type: string }) }));

test('settings, streams, frames and datagrams of both ends; values of fields that may be secret are not there', () => {
  const { logged, pair, client, server, c, s } = connect();
  server.onEnd = (http3, stream) => {
    http3.respond(stream, lines(':status: 200', `set-cookie: ${SECRET}`), false);
    http3.sendBody(stream, bytes('y'.repeat(3000)), false);
    http3.sendTrailers(stream, lines(`x-token: ${SECRET}`));
  };
  const path = `:path: /a?token=${SECRET}`;
  const fields = lines(':method: POST', ':scheme: https', ':authority: edge.example', path, `authorization: ${SECRET}`);
  const stream = c.openRequest(fields, false);
  c.sendBody(stream, bytes('x'.repeat(500)), true);
  assert.ok(pair.run(() => client.log(stream).closed));
  c.quic.write(c.quic.openStream(true), bytes(0x21, 2, 7, 7), false);
  assert.ok(pair.run(() => frames(logged.server, 'parsed').some(({ frame_type: type }) => type === 'reserved')));
  s().shutdown(false);
  s().shutdown(true);
  assert.ok(
    pair.run(() => frames(logged.client, 'parsed').filter(({ frame_type: type }) => type === 'goaway').length === 2),
  );
  for (const log of [logged.client, logged.server]) {
    for (const event of log.events) assert.equal(eventFault(event), undefined, JSON.stringify(event));
    assert.ok(!log.text.includes(SECRET));
    assert.equal(log.of('http3:parameters_set').length, 2);
  }
  const [request, body] = frames(logged.client, 'created').filter(({ id }) => id === stream);
  assert.deepEqual(
    { ...request, raw: undefined },
    {
      id: 0,
      frame_type: 'headers',
      headers: [
        { name: ':method', value: 'POST' },
        { name: ':scheme', value: 'https' },
        { name: ':authority', value: 'edge.example' },
        { name: ':path', value: '/a' },
        { name: 'authorization' },
      ],
      raw: undefined,
    },
  );
  assert.deepEqual(body, { id: 0, frame_type: 'data', raw: { payload_length: 500 } });
  // What one end makes, the other parses.
  for (const [maker, reader] of [
    [logged.client, logged.server],
    [logged.server, logged.client],
  ] as const) {
    const parsed = frames(reader, 'parsed').filter(({ frame_type: type }) => type !== 'reserved' && type !== 'goaway');
    const created = frames(maker, 'created').filter(({ frame_type: type }) => type !== 'goaway');
    assert.deepEqual(parsed, created);
  }
  const goaways = frames(logged.server, 'created').filter(({ frame_type: type }) => type === 'goaway');
  assert.deepEqual(
    goaways.map((frame) => (frame as unknown as { id: unknown }).id),
    ['4611686018427387900', 8],
  );
  const types = logged.server.of('http3:stream_type_set').map((data) => `${data['initiator']} ${data['stream_type']}`);
  assert.deepEqual(types, ['local control', 'remote control', 'remote request', 'remote request']);
});

test('HTTP datagrams by the stream that they are of', () => {
  const { logged, pair, server, c } = connect();
  server.onRequest = (http3, stream) => void http3.respond(stream, lines(':status: 200'), false);
  const fields = lines(':method: CONNECT', ':protocol: x', ':scheme: https', ':authority: a', ':path: /');
  const stream = c.openRequest(fields, false);
  assert.ok(pair.run(() => server.log(stream).request !== undefined));
  const buffer = new Uint8Array(108);
  assert.ok(c.sendDatagram(stream, buffer, 8, 108));
  assert.ok(pair.run(() => server.log(stream).datagrams.length === 1));
  assert.deepEqual(logged.client.of('http3:datagram_created'), [
    { quarter_stream_id: 0, raw: { payload_length: 100 } },
  ]);
  assert.deepEqual(logged.server.of('http3:datagram_parsed'), [{ quarter_stream_id: 0, raw: { payload_length: 100 } }]);
  for (const log of logged.logs.values()) for (const event of log.events) assert.equal(eventFault(event), undefined);
});
