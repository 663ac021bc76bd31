import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoggedPair } from '../testing/logged-pair.ts';
import { legacy } from './legacy.ts';

test('qlog 0.3: the head and the events have the names that qvis knows', () => {
  const logged = new LoggedPair({ link: { delayUs: 10_000, loss: 0.05 } }, legacy);
  const { pair } = logged;
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  client.write(client.openStream(true), new Uint8Array(100_000), true);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 100_000));
  client.close(0x1234, 'done');
  assert.ok(pair.run(() => logged.client.ended));
  const { head, events } = logged.client;
  assert.deepEqual([head['qlog_version'], head['qlog_format']], ['0.3', 'JSON-SEQ']);
  const trace = head['trace'] as { vantage_point: { type: string }; common_fields: { time_format: string } };
  assert.deepEqual([trace.vantage_point.type, trace.common_fields.time_format], ['client', 'relative']);
  for (const { name } of events)
    assert.match(name, /^(connectivity|transport|security|recovery|http|loglevel):[a-z_]+$/);
  const first = (name: string) => events.find((event) => event.name === name)?.data;
  const started = first('connectivity:connection_started');
  assert.deepEqual(
    { ...started, src_cid: '' },
    { ip_version: 'ipv4', src_cid: '', dst_ip: '127.0.0.2', dst_port: 443 },
  );
  assert.equal(first('transport:parameters_set')?.['owner'], 'local');
  assert.deepEqual(first('transport:alpn_information'), { chosen_alpn: 'test' });
  const sent = events.find(
    ({ name, data }) => name === 'transport:packet_sent' && JSON.stringify(data).includes('"stream"'),
  );
  assert.ok(sent);
  const { header, frames, raw } = sent.data as {
    header: { packet_type: string };
    frames: { [name: string]: unknown }[];
    raw: { length: number; payload_length: number };
  };
  // Of 1-RTT packets: first byte, connection ID of 8 bytes, packet number; the tag counts as payload.
  assert.ok([10, 11].includes(raw.length - raw.payload_length), JSON.stringify(raw));
  assert.equal(header.packet_type, '1RTT');
  const stream = frames.find((frame) => frame['frame_type'] === 'stream');
  assert.ok(Number(stream?.['length']) > 500 && !Object.hasOwn(stream ?? {}, 'raw'), JSON.stringify(stream));
  assert.ok(first('recovery:metrics_updated') && first('recovery:packet_lost') && first('recovery:loss_timer_updated'));
  assert.deepEqual(first('connectivity:connection_closed'), {
    owner: 'local',
    application_code: 0x1234,
    reason: 'done',
    trigger: 'application',
  });
});

test('HTTP/3 frames have their length beside them, and what 0.3 does not know is left out', () => {
  const event = (name: string, data: object) => ({ time: 1.5, name, data: data as Record<string, unknown> });
  const headers = { frame_type: 'headers', headers: [{ name: ':method', value: 'GET' }], raw: { payload_length: 20 } };
  assert.equal(
    legacy.record(event('http3:frame_created', { stream_id: 0, frame: headers })),
    '\u001e{"time":1.5,"name":"http:frame_created","data":{"stream_id":0,"length":20,"byte_length":20,"frame":{"frame_type":"headers","headers":[{"name":":method","value":"GET"}]}}}\n',
  );
  assert.equal(legacy.record(event('quic:tuple_assigned', { tuple_id: '1' })), '');
});
