import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame } from '#protocol/quic/testing/hostile/encode.ts';
import { sealedPacket } from '#protocol/quic/testing/injector.ts';
import type { LinkOptions } from '#protocol/quic/testing/link.ts';
import { address, Pair } from '#protocol/quic/testing/pair.ts';
import { LoggedPair } from './testing/logged-pair.ts';
import { Recorded } from './testing/recorded.ts';
import { eventFault, SCHEMA } from './testing/schema.ts';

const LOSSY: LinkOptions = { delayUs: 10_000, jitterUs: 5000, loss: 0.05, duplicate: 0.02 };

/** Everything that was logged is as the drafts' own CDDL says. */
const assertValid = (recorded: Recorded): void => {
  assert.equal(SCHEMA.check('QlogFileSeq', recorded.head), undefined);
  let last = 0;
  for (const event of recorded.events) {
    assert.equal(eventFault(event), undefined, JSON.stringify(event));
    assert.ok(event.time >= last, `${event.time} after ${last}`);
    last = event.time;
  }
};

/** A handshake, 200 kB, datagrams, a close that is waited for. */
const transfer = (link?: LinkOptions): LoggedPair => {
  const logged = new LoggedPair({ seed: 3, ...(link && { link }) });
  const { pair } = logged;
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  client.write(client.openStream(true), new Uint8Array(200_000), true);
  client.sendDatagram(new Uint8Array(100), 0, 100);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 200_000));
  client.close(0x100, 'done');
  assert.ok(pair.run(() => logged.client.ended && logged.server.ended));
  return logged;
};

test('what a transfer with loss leaves is valid by the CDDL of the drafts', () => {
  for (const link of [undefined, LOSSY]) {
    const { client, server } = transfer(link);
    assertValid(client);
    assertValid(server);
  }
});

test('the schema refuses what the drafts do not have', () => {
  const { client } = transfer();
  const [started] = client.events;
  assert.ok(started);
  assert.equal(eventFault(started), undefined);
  const { local, remote } = started.data;
  for (const [event, fault] of [
    [{ ...started, name: 'quic:connection_begun' }, /no event quic:connection_begun/],
    [{ ...started, data: { local } }, /has no remote/],
    [{ ...started, data: { local, remote, protocol: 'QUIC' } }, /protocol: no such field/],
    [{ ...started, data: { local: { port_v4: 70_000 }, remote } }, /port_v4 is larger/],
    [{ ...started, data: { local: { connection_ids: ['XY'] }, remote } }, /does not match/],
    [{ ...started, time: '0' }, /time is "0"/],
    [{ name: 'quic:ecn_state_updated', time: 0, data: { new: 'off' } }, /is "off"/],
    [{ name: 'quic:packet_lost', time: 0, data: { frames: [{ frame_type: 'pong' }] } }, /is "pong"/],
    [{ name: 'quic:packet_lost', time: 0, data: { frames: [{ frame_type: 'max_data' }] } }, /has no maximum/],
  ] as const) {
    assert.match(String(eventFault(event as Parameters<typeof eventFault>[0])), fault);
  }
  assert.match(String(SCHEMA.check('QlogFileSeq', { ...client.head, qlog_version: '0.3' })), /no such field/);
});

test('a connection is told from begin to end, at both ends', () => {
  const { client, server } = transfer();
  const states = (log: Recorded) => log.of('quic:connection_state_updated').map((data) => data['new']);
  const begin = ['attempted', 'handshake_complete', 'handshake_confirmed'];
  assert.deepEqual(states(client), [...begin, 'closing', 'closed']);
  assert.deepEqual(states(server), ['attempted', 'early_write', 'handshake_confirmed', 'draining', 'closed']);
  assert.deepEqual(client.head['trace'], {
    common_fields: {
      group_id: client.of('quic:packet_sent').map((data) => (data['header'] as { dcid: string }).dcid)[0],
      time_format: 'relative_to_epoch',
      reference_time: { clock_type: 'monotonic', epoch: 'unknown' },
    },
    vantage_point: { name: 'cloudbridge', type: 'client' },
    event_schemas: [
      'urn:ietf:params:qlog:events:quic-13',
      'urn:ietf:params:qlog:events:http3-13',
      'urn:ietf:params:qlog:events:loglevel',
    ],
  });
  assert.deepEqual(client.of('quic:connection_closed'), [
    { initiator: 'local', reason: 'done', application_error: 'http_no_error', trigger: 'application' },
  ]);
  assert.deepEqual(server.of('quic:connection_closed'), [
    { initiator: 'remote', reason: 'done', application_error: 'http_no_error', trigger: 'application' },
  ]);
  assert.deepEqual(client.of('quic:alpn_information'), [{ chosen_alpn: { string_value: 'test' } }]);
  const [declared, ...more] = server.of('quic:parameters_set').filter(({ initiator }) => initiator === 'remote');
  assert.deepEqual(more, []);
  assert.equal(declared?.['initial_max_data'], 1 << 20);
  const own = client.of('quic:parameters_set')[0];
  assert.deepEqual({ ...declared, initiator: 'local' }, own, 'what one declares, the other reads');
});

test('each packet that one end sends the other receives, with the same frames', () => {
  const { client, server } = transfer();
  const packets = (log: Recorded, name: string) =>
    log.of(`quic:packet_${name}`).map(({ header, frames, raw }) => ({ header, frames, raw }));
  for (const [sender, receiver] of [
    [client, server],
    [server, client],
  ] as const) {
    const received = packets(receiver, 'received');
    // The first CONNECTION_CLOSE is the last packet that is read.
    assert.deepEqual(received, packets(sender, 'sent').slice(0, received.length));
    assert.ok(received.length > 10);
  }
  const frames = client.of('quic:packet_sent').flatMap((data) => data['frames'] as { frame_type: string }[]);
  const types = new Set(frames.map(({ frame_type: type }) => type));
  for (const type of ['crypto', 'padding', 'ack', 'stream', 'datagram', 'connection_close']) {
    assert.ok(types.has(type), `${type} is among ${[...types]}`);
  }
  const carried = frames.filter(({ frame_type: type }) => type === 'stream') as unknown as {
    raw: { payload_length: number };
  }[];
  assert.equal(
    carried.reduce((sum, { raw }) => sum + raw.payload_length, 0),
    200_000,
  );
  const datagrams = (log: Recorded, name: string) =>
    log.of(`quic:udp_datagrams_${name}`).flatMap(({ raw }) => raw as { length: number }[]);
  assert.deepEqual(datagrams(server, 'received'), datagrams(client, 'sent'));
  assert.equal(client.of('quic:udp_datagrams_sent')[0]?.['ecn']?.toString(), 'ECT(0)');
});

test('ACK_FREQUENCY and IMMEDIATE_ACK are told with what they ask for', () => {
  const logged = new LoggedPair();
  const { pair } = logged;
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  pair.sendToServer(sealedPacket(client, frame(0xaf, 0, 9, 12_500, 3)));
  pair.sendToServer(sealedPacket(client, frame(0x1f)));
  pair.run(() => false, 20_000);
  const frames = logged.server.of('quic:packet_received').flatMap((data) => data['frames'] as { frame_type: string }[]);
  const asked = frames.filter(({ frame_type: type }) => ['ack_frequency', 'immediate_ack'].includes(type));
  const wishes = {
    sequence_number: 0,
    ack_eliciting_threshold: 9,
    request_max_ack_delay: 12.5,
    reordering_threshold: 3,
  };
  // With its first MTU probe the client asks for an ACK at once, too.
  const last = asked.slice(-2);
  assert.deepEqual(last, [{ frame_type: 'ack_frequency', ...wishes }, { frame_type: 'immediate_ack' }]);
  for (const event of logged.server.events) assert.equal(eventFault(event), undefined);
});

test('time only goes forward, also where the clock is ahead of the turn in which a trace begins', () => {
  const traces: Recorded[] = [];
  const pair: Pair = new Pair({
    observe: (connection) => {
      const recorded = new Recorded(connection, () => pair.now + 5000);
      traces.push(recorded);
      return recorded.trace;
    },
  });
  pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  for (const recorded of traces) assertValid(recorded);
});

test('losses, their reasons, RTT, window, timers, ECN', () => {
  const logged = transfer(LOSSY);
  const { client } = logged;
  const [connection] = logged.logs.keys();
  const { recovery } = (connection as NonNullable<typeof connection>).parts;
  const lost = client.of('quic:packet_lost').filter((data) => data['is_mtu_probe_packet'] !== true);
  assert.ok(lost.length > 0);
  assert.equal(lost.length, recovery.stats.packetsLost);
  assert.ok(lost.some(({ trigger }) => trigger === 'reordering_threshold'));
  const metrics = client.of('quic:recovery_metrics_updated');
  const latest = (name: string) => metrics.findLast((data) => data[name] !== undefined)?.[name];
  assert.equal(latest('smoothed_rtt'), Math.round(recovery.rtt.smoothedUs) / 1000);
  assert.equal(latest('congestion_window'), Math.round(recovery.controller.congestionWindow));
  const states = client.of('quic:congestion_state_updated').map((data) => data['new']);
  assert.deepEqual(states.slice(0, 2), ['slow_start', 'recovery']);
  const timers = new Set(client.of('quic:timer_updated').map((data) => `${data['timer_type']} ${data['event_type']}`));
  assert.ok(timers.has('pto set') && timers.has('loss_timeout set'), [...timers].join());
  assert.deepEqual(client.of('quic:ecn_state_updated')[0], { new: 'testing' });
  const parameters = client.of('quic:recovery_parameters_set')[0];
  assert.equal(parameters?.['reordering_threshold'], 3);
  assert.ok(client.of('quic:packet_dropped').some(({ trigger }) => trigger === 'duplicate'));
});

test('keys come and go in order, and updates say who began', () => {
  const logged = new LoggedPair();
  const { pair } = logged;
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && pair.serverSink.confirmed));
  const stream = client.openStream(true);
  client.write(stream, new Uint8Array(100), false);
  assert.ok(pair.run(() => client.parts.keys.mayUpdate));
  assert.ok(client.updateKeys());
  client.write(stream, new Uint8Array(100), false);
  assert.ok(pair.run(() => client.parts.keys.updates === 1 && !client.parts.keys.holdsPrevious));
  const keys = (log: Recorded, what: string) => log.of(`quic:key_${what}`).map((data) => Object.values(data).join(' '));
  const updated = keys(logged.client, 'updated');
  assert.deepEqual(updated.slice(-2), ['client_1rtt_secret 1 local_update', 'server_1rtt_secret 1 local_update']);
  assert.deepEqual(keys(logged.server, 'updated').slice(-2), [
    'client_1rtt_secret 1 remote_update',
    'server_1rtt_secret 1 remote_update',
  ]);
  assert.deepEqual(updated.slice(0, 4), [
    'server_initial_secret tls',
    'client_initial_secret tls',
    'server_handshake_secret tls',
    'client_handshake_secret tls',
  ]);
  const discarded = keys(logged.client, 'discarded');
  assert.equal(discarded[0], 'server_initial_secret tls');
  assert.equal(discarded.at(-1), 'server_1rtt_secret 0 local_update');
  for (const log of [logged.client, logged.server]) assertValid(log);
});

test('a move to another address: tuple, migration, connection IDs', () => {
  const logged = new LoggedPair();
  const { pair } = logged;
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && client.parts.peerCids.available > 0));
  const local = address(3, 5000);
  pair.clientAddress = local;
  assert.equal(client.migrate(local, pair.now), undefined);
  assert.ok(pair.run(() => pair.accepted.parts.paths.active.validated && client.parts.paths.active.validated));
  client.write(client.openStream(true), new Uint8Array(100), true);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 100));
  for (const log of [logged.client, logged.server]) {
    assertValid(log);
    const [assigned] = log.of('quic:tuple_assigned');
    assert.equal(assigned?.['tuple_id'], '1');
    assert.deepEqual(
      log.of('quic:migration_state_updated').map((data) => data['new']),
      ['migration_started', 'migration_complete'],
    );
    assert.ok(log.events.some(({ name, tuple }) => name === 'quic:packet_sent' && tuple === '1'));
    assert.ok(log.of('quic:connection_id_updated').some(({ initiator, old }) => initiator === 'remote' && old));
  }
  assert.deepEqual(logged.server.of('quic:tuple_assigned')[0]?.['tuple_remote'], { ip_v4: '127.0.0.4', port_v4: 5000 });
});

test('one that is asked for later begins with what is, and one that is ended says no more', () => {
  const { pair } = new LoggedPair();
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  const late = new Recorded(client, () => pair.now);
  client.parts.observer = late.trace;
  const stream = client.openStream(true);
  client.write(stream, new Uint8Array(100), false);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 100));
  assertValid(late);
  assert.deepEqual(late.events[0]?.name, 'quic:connection_started');
  assert.deepEqual(late.of('quic:connection_state_updated'), [{ new: 'handshake_confirmed' }]);
  assert.ok(late.of('quic:parameters_set').some(({ initiator }) => initiator === 'remote'));
  late.trace.end();
  const { length } = late.text;
  client.write(stream, new Uint8Array(100), true);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === 200));
  assert.equal(late.text.length, length);
});

test('what finds no room is counted, and the end says how much that is', () => {
  const { pair } = new LoggedPair();
  const client = pair.connect();
  const small = new Recorded(client, () => pair.now, undefined, 3000);
  client.parts.observer = small.trace;
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  small.trace.end();
  assertValid(small);
  const last = small.events.at(-1);
  assert.equal(last?.name, 'loglevel:warning');
  assert.match(String(last?.data['message']), /^\d+ events were left out for lack of room$/);
});

test('idle, reset and version end it with their trigger', () => {
  const idle = new LoggedPair({ client: { maxIdleTimeoutMs: 1000 } });
  idle.pair.connect();
  assert.ok(idle.pair.run(() => idle.client.ended && idle.server.ended));
  assert.equal(idle.client.of('quic:connection_closed')[0]?.['trigger'], 'idle_timeout');

  const reset = new LoggedPair();
  const client = reset.pair.connect();
  assert.ok(reset.pair.run(() => reset.pair.clientSink.confirmed));
  reset.pair.forgetServer();
  client.write(client.openStream(true), new Uint8Array(1000), true);
  assert.ok(reset.pair.run(() => reset.client.ended));
  assert.equal(reset.client.of('quic:connection_closed')[0]?.['trigger'], 'stateless_reset');

  const other = new LoggedPair({ client: { versions: [0x6b3343cf] } });
  other.pair.connect();
  assert.ok(other.pair.run(() => other.client.ended));
  assert.equal(other.client.of('quic:connection_closed')[0]?.['trigger'], 'version_mismatch');
  const refused = other.client.of('quic:version_information').at(-1);
  assert.deepEqual(refused?.['server_versions'], ['00000001']);
  for (const { logs } of [idle, reset, other]) for (const log of logs.values()) assertValid(log);
});

test('Retry is shown, and strangers whose packets are not authentic leave nothing', () => {
  const logged = new LoggedPair({ endpoint: { retryAtHandshakes: 0 } });
  const { pair } = logged;
  pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  assertValid(logged.client);
  const received = logged.client.of('quic:packet_received').map((data) => data['header'] as { packet_type: string });
  assert.equal(received[0]?.packet_type, 'retry');
  const tokens = logged.client
    .of('quic:packet_sent')
    .map((data) => (data['header'] as { token?: { raw: { length: number } } }).token?.raw.length);
  assert.ok(tokens.some((length) => length !== undefined && length > 16));

  const forged = new LoggedPair();
  forged.pair.onClientSends = (datagram) => {
    datagram.bytes[600] = (datagram.bytes[600] as number) ^ 1;
  };
  forged.pair.connect();
  forged.pair.run(() => false, 3_000_000);
  assert.ok(forged.pair.server.counters.droppedForged > 0);
  assert.deepEqual(
    [...forged.logs.keys()].map(({ isServer }) => isServer),
    [false],
  );
});
