import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Level } from './ports.ts';
import { sealedLong } from './testing/injector.ts';
import type { Datagram } from './testing/link.ts';
import { packetTypes } from './testing/observe.ts';
import { Pair, type PairOptions } from './testing/pair.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';
import { PacketType } from './wire/packet/packet-type.ts';

/** The client's first flight has arrived, and nothing of the server's. */
const started = (options: PairOptions = {}) => {
  const pair = new Pair(options);
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.server.connections === 1));
  return { pair, connection };
};

const ping = Uint8Array.of(1);
/** CRYPTO with four bytes at this offset, below 16384. */
const crypto = (offset: number): Uint8Array => Uint8Array.of(6, 0x40 | (offset >> 8), offset, 4, 1, 2, 3, 4);

const withHandshake = ({ bytes }: Datagram): boolean => packetTypes(bytes).includes(PacketType.handshake);

/** Each direction's datagrams, as kinds of packets. */
const observe = (pair: Pair) => {
  const seen = { client: [] as PacketType[], server: [] as PacketType[] };
  pair.onClientSends = ({ bytes }) => seen.client.push(...packetTypes(bytes));
  pair.onServerSends = ({ bytes }) => seen.server.push(...packetTypes(bytes));
  return seen;
};

describe('CRYPTO', () => {
  it('of a level that is over is a PROTOCOL_VIOLATION (RFC 9001 §4.1.3)', () => {
    const { pair, connection } = started();
    pair.sendToServer(sealedLong(connection, Level.initial, crypto(8000)));
    assert.ok(pair.run(() => pair.serverSink.closes.length > 0));
    assert.equal(pair.serverSink.closes[0]?.code, 0x0a);
  });
});

describe('keys', () => {
  it('of Initial packets go with the first Handshake packet, and none is sent after (RFC 9001 §4.9.1)', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = new Pair({ seed, link: { delayUs: 10_000, loss: seed % 2 === 0 ? 0.2 : 0 } });
      const seen = observe(pair);
      const connection = pair.connect();
      assert.ok(pair.run(() => seen.client.includes(PacketType.handshake)));
      assert.ok(connection.parts.keys.isDiscarded(Level.initial));
      assert.ok(pair.run(() => pair.serverSinks[0]?.handshake !== undefined));
      assert.ok(pair.accepted.parts.keys.isDiscarded(Level.initial));
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 1_000_000);
      const types = seen.client;
      assert.ok(types.lastIndexOf(PacketType.initial) < types.indexOf(PacketType.handshake), `seed ${seed}`);
    }
  });

  it('of a server for Initial packets stay until a Handshake packet came (RFC 9001 §4.9.1)', () => {
    const { pair } = started({ toServer: { delayUs: 10_000, drop: withHandshake } });
    pair.run(() => false, 300_000);
    assert.equal(pair.accepted.parts.keys.isDiscarded(Level.initial), false);
  });

  it('of Handshake packets go at confirmation (RFC 9001 §4.9.2)', () => {
    const pair = new Pair();
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.handshake !== undefined));
    assert.equal(connection.parts.keys.isDiscarded(Level.handshake), false);
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    assert.ok(connection.parts.keys.isDiscarded(Level.handshake));
    assert.ok(pair.accepted.parts.keys.isDiscarded(Level.handshake));
  });
});

describe('0-RTT', () => {
  const resumed = (options: PairOptions = {}) => {
    const pair = new Pair(options);
    const first = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed && pair.clientSink.tickets.length > 0));
    const remembered = first.parts.handshake.peer;
    first.close(0, '');
    assert.ok(pair.run(() => pair.client.connections === 0 && pair.server.connections === 0));
    const sink = new RecordingSink();
    const seen = observe(pair);
    const connection = pair.client.connect(
      {
        remote: pair.serverAddress,
        serverName: 'localhost',
        alpn: ['test'],
        sink,
        ticket: pair.clientSink.tickets[0] as Uint8Array,
        remembered,
      },
      pair.now,
    );
    connection.write(connection.openStream(true), pattern(8000), false);
    return { pair, connection, sink, seen };
  };

  it('is not sent once there are 1-RTT keys, and its keys go (RFC 9001 §4.9.3, §5.6)', () => {
    const { pair, connection, sink, seen } = resumed();
    sink.onComplete = () => connection.write(0, pattern(8000), true);
    assert.ok(pair.run(() => sink.confirmed && pair.serverSinks[1]?.finished.has(0) === true));
    const types = seen.client;
    assert.ok(types.includes(PacketType.zeroRtt));
    assert.ok(types.lastIndexOf(PacketType.zeroRtt) < types.indexOf(PacketType.oneRtt));
    for (const { parts } of [connection, pair.accepted]) assert.ok(parts.keys.isDiscarded(Level.earlyData));
  });

  it('is not sent by servers (RFC 9001 §5.6)', () => {
    const { pair, sink, seen } = resumed();
    assert.ok(pair.run(() => sink.confirmed));
    assert.equal(seen.server.includes(PacketType.zeroRtt), false);
  });

  it('is not read by clients (RFC 9001 §5.6)', () => {
    const { pair, connection } = resumed();
    const sealer = connection.parts.keys.sealer(Level.earlyData);
    assert.ok(sealer);
    assert.ok(pair.run(() => pair.server.connections === 1));
    pair.sendToClient(sealedLong(pair.accepted, Level.earlyData, ping, { sealer }));
    const before = connection.parts.counters.droppedNoKeys;
    pair.run(() => connection.parts.counters.droppedNoKeys > before, 50_000);
    assert.equal(connection.parts.counters.droppedNoKeys, before + 1);
  });
});

describe('1-RTT packets', () => {
  it('wait at a server until the handshake is complete (RFC 9001 §5.7)', () => {
    let held = true;
    const drop = (datagram: Datagram) => held && withHandshake(datagram);
    const { pair, connection } = started({ toServer: { delayUs: 10_000, drop } });
    pair.clientSink.onComplete = () => connection.write(connection.openStream(true), pattern(3000), true);
    pair.run(() => (pair.serverSink.handshake ?? pair.accepted.parts.counters.heldEarly) !== 0, 500_000);
    assert.ok(pair.accepted.parts.counters.heldEarly > 0);
    assert.deepEqual([pair.serverSink.handshake, pair.serverSink.bytesReceived], [undefined, 0]);
    held = false;
    assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
  });

  it('wait at a client too (RFC 9001 §5.7)', () => {
    let held = true;
    const drop = (datagram: Datagram) =>
      held && packetTypes(datagram.bytes).some((type) => type <= PacketType.handshake);
    const { pair, connection } = started({ toClient: { delayUs: 10_000, drop } });
    const server = pair.accepted;
    server.sendDatagram(new Uint8Array(10), 0, 10);
    server.parts.spaces[2].ping = true;
    pair.sendToServer(sealedLong(connection, Level.initial, ping));
    pair.run(() => connection.parts.counters.heldEarly > 0, 500_000);
    assert.equal(pair.clientSink.handshake, undefined);
    held = false;
    assert.ok(pair.run(() => pair.clientSink.confirmed));
  });
});

describe('long headers', () => {
  const OTHER = new Uint8Array(8).fill(0xee);

  it('with another Source Connection ID are dropped by servers (RFC 9000 §7.2)', () => {
    const { pair, connection } = started();
    const { counters } = pair.accepted.parts;
    const before = counters.packetsReceived;
    pair.sendToServer(sealedLong(connection, Level.initial, ping, { scid: OTHER }));
    pair.sendToServer(sealedLong(connection, Level.initial, ping));
    assert.ok(pair.run(() => counters.packetsReceived > before, 50_000));
    assert.deepEqual([counters.packetsReceived - before, counters.droppedConnectionId], [1, 1]);
  });

  it('with another Source Connection ID are dropped by clients (RFC 9000 §7.2)', () => {
    const { pair, connection } = started();
    const { counters } = connection.parts;
    const scid = OTHER;
    const packet = sealedLong(pair.accepted, Level.handshake, ping, { scid });
    assert.ok(pair.run(() => connection.parts.keys.opener(Level.handshake) !== undefined));
    pair.sendToClient(packet);
    assert.ok(pair.run(() => counters.droppedConnectionId === 1, 50_000));
    assert.ok(pair.run(() => pair.clientSink.confirmed));
  });

  it('of a server with a token are dropped, in Initial packets (RFC 9000 §17.2.2)', () => {
    const { pair, connection } = started();
    const { counters } = connection.parts;
    pair.sendToClient(sealedLong(pair.accepted, Level.initial, ping, { token: pattern(5) }));
    assert.ok(pair.run(() => counters.droppedMalformed === 1, 50_000));
    assert.ok(pair.run(() => pair.clientSink.confirmed));
  });

  it('of a server with ack-eliciting Initial packets come in 1200 bytes (RFC 9000 §14.1)', () => {
    const pair = new Pair({ seed: 3, link: { delayUs: 10_000, loss: 0.2 } });
    let initials = 0;
    pair.onServerSends = ({ bytes }) => {
      const isEliciting = packetTypes(bytes)[0] === PacketType.initial && initials++ === 0;
      if (isEliciting) assert.ok(bytes.length >= 1200, `${bytes.length}`);
    };
    pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    assert.ok(initials > 0);
  });
});
