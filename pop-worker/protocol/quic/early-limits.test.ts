import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, type QuicConfig } from './config.ts';
import {
  bearsEarlyData,
  checkNotLower,
  earlyContext,
  rememberedOf,
  ticketContext,
  ticketDataOf,
} from './early-limits.ts';
import { Pair } from './testing/pair.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';
import { DEFAULT_TRANSPORT_PARAMETERS as DEFAULTS, encodeTransportParameters } from './wire/transport-parameters.ts';

const config: QuicConfig = { ...DEFAULT_CONFIG, controller: controllerNamed('newreno') };

describe('what a client remembers', () => {
  it('is nothing that RFC 9000 §7.4.1 forbids', () => {
    const bytes = pattern(16);
    const address = {
      ipv4: bytes,
      ipv4Port: 1,
      ipv6: bytes,
      ipv6Port: 1,
      connectionId: bytes,
      statelessResetToken: bytes,
    };
    const forbidden = {
      ackDelayExponent: 10,
      maxAckDelayMs: 1000,
      initialSourceConnectionId: bytes,
      originalDestinationConnectionId: bytes,
      preferredAddress: address,
      retrySourceConnectionId: bytes,
      statelessResetToken: bytes,
    };
    assert.deepEqual(rememberedOf({ ...DEFAULTS, ...forbidden }), DEFAULTS);
  });

  it('is all else', () => {
    const limits = { maxIdleTimeoutMs: 7, maxUdpPayloadSize: 1300, initialMaxData: 9, disableActiveMigration: true };
    assert.deepEqual(rememberedOf({ ...DEFAULTS, ...limits }), { ...DEFAULTS, ...limits });
  });
});

const NAMES = ['activeConnectionIdLimit', 'initialMaxData', 'initialMaxStreamsUni', 'maxDatagramFrameSize'] as const;

describe('a server', () => {
  it('may raise limits when it takes early data, and lower none (RFC 9000 §7.4.1)', () => {
    for (const name of NAMES) {
      const remembered = { ...DEFAULTS, [name]: 100 };
      checkNotLower({ ...remembered, [name]: 101 }, remembered);
      assert.throws(() => checkNotLower({ ...remembered, [name]: 99 }, remembered), { code: 0x0a, fault: 'remote' });
    }
  });

  it('takes early data by limits that it still has, in the version of the ticket', () => {
    const context = earlyContext(config, 1);
    assert.ok(bearsEarlyData(config, 1, context));
    assert.equal(bearsEarlyData(config, 2, context), false);
    assert.ok(bearsEarlyData(config, 2, earlyContext(config, 2)));
    assert.deepEqual(earlyContext(config, 1), context);
    for (const name of NAMES) {
      assert.ok(bearsEarlyData({ ...config, [name]: config[name] + 1 }, 1, context));
      assert.equal(bearsEarlyData({ ...config, [name]: config[name] - 1 }, 1, context), false, name);
    }
    for (const cut of [0, 3, context.length - 1]) {
      assert.equal(bearsEarlyData(config, 1, context.subarray(0, cut)), false, `${cut}`);
    }
  });
});

describe('what is in a ticket', () => {
  const data = pattern(20);
  const context = ticketContext(config, 1, data);

  it('is limits and what the application said', () => {
    assert.deepEqual(ticketDataOf(context), data);
    assert.equal(ticketDataOf(earlyContext(config, 1)).length, 0);
    assert.ok(bearsEarlyData(config, 1, context));
    assert.equal(bearsEarlyData({ ...config, initialMaxData: config.initialMaxData - 1 }, 1, context), false);
  });

  it('of another format says nothing and brings no early data', () => {
    // As an earlier release had it: limits right behind the version.
    const limits = encodeTransportParameters({ ...DEFAULTS, initialMaxData: 10 });
    const earlier = Uint8Array.of(0, 0, 0, 1, ...limits);
    const later = context.slice();
    later[4] = 0xc2;
    for (const other of [earlier, later, new Uint8Array()]) {
      assert.equal(bearsEarlyData(config, 1, other), false);
      assert.equal(ticketDataOf(other).length, 0);
    }
    const longer = context.slice();
    longer.set([0xff, 0xff], 5);
    for (const broken of [longer, ...Array.from(context.subarray(0, -data.length), (_, i) => context.subarray(0, i))]) {
      assert.equal(bearsEarlyData(config, 1, broken), false);
      assert.equal(ticketDataOf(broken).length, 0);
    }
  });
});

describe('early data', () => {
  /** Whether it is taken by a server that has these limits now. */
  const outcome = (initialMaxStreamsBidi: number) => {
    const server = { initialMaxStreamsBidi: 10 };
    const pair = new Pair({ server });
    const first = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.tickets.length > 0 && pair.clientSink.confirmed));
    server.initialMaxStreamsBidi = initialMaxStreamsBidi;
    const remembered = first.parts.handshake.peer;
    const again = new Pair({ server, ports: pair.ports });
    const sink = new RecordingSink();
    const connection = again.client.connect(
      {
        remote: again.serverAddress,
        serverName: 'localhost',
        alpn: ['test'],
        sink,
        ticket: pair.clientSink.tickets[0] as Uint8Array,
        remembered,
      },
      again.now,
    );
    connection.write(connection.openStream(true), pattern(100), true);
    assert.ok(again.run(() => again.serverSinks[0]?.finished.has(0) === true && sink.confirmed));
    return sink.handshake?.earlyData;
  };

  it('is refused by a server that allows less than it did', () => {
    assert.equal(outcome(9), 'rejected');
  });

  it('is taken by one that allows as much, or more', () => {
    assert.deepEqual([outcome(10), outcome(11)], ['accepted', 'accepted']);
  });
});
