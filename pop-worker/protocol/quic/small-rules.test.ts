import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from './connection.ts';
import { Level } from './ports.ts';
import { firstInitial, sealedLong, sealedPacket } from './testing/injector.ts';
import { packetTypes } from './testing/observe.ts';
import { address, Pair, type PairOptions, testPorts } from './testing/pair.ts';
import { SeededRandom } from './testing/random.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';
import { PacketType } from './wire/packet/packet-type.ts';
import { Version } from './wire/packet/version.ts';

const PING = Uint8Array.of(1);
const RESET_KEY = new Uint8Array(32).fill(9);

const connected = (options: PairOptions = {}): { pair: Pair; connection: Connection } => {
  const pair = new Pair(options);
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && pair.serverSink.confirmed));
  return { pair, connection };
};

/** One datagram of the client's reached the server, whose certificate fills many; how many more will is in `passes`. */
const unvalidated = (seed: number, certificateBytes = 30_000) => {
  const passes = { datagrams: 1 };
  const ports = testPorts(new SeededRandom(seed), certificateBytes);
  const pair = new Pair({ seed, ports, toServer: { delayUs: 1000, drop: () => passes.datagrams-- <= 0 } });
  pair.connect();
  pair.run(() => pair.server.connections === 1);
  return { pair, passes, server: pair.accepted };
};

describe('a server', () => {
  it('takes no client whose first connection ID has less than 8 bytes (RFC 9000 §7.2)', () => {
    for (const length of [0, 7, 8, 20]) {
      const pair = new Pair();
      pair.sendToServer(firstInitial(pair.ports.crypto, pattern(length)));
      pair.run(() => false, 20_000);
      assert.equal(pair.server.connections, length < 8 ? 0 : 1, `${length}`);
    }
  });

  it('reads of a datagram what has the connection ID of its first packet (RFC 9000 §12.2)', () => {
    const received = (second: 'same' | 'other'): readonly number[] => {
      const pair = new Pair();
      const dcid = pattern(8);
      pair.sendToServer(firstInitial(pair.ports.crypto, dcid));
      pair.run(() => pair.server.connections === 1);
      const other = pair.accepted.parts.handshake.scid;
      const datagram = new Uint8Array(1200);
      datagram.set(firstInitial(pair.ports.crypto, dcid, { packetNumber: 1, bytes: 600 }));
      // Its keys are those of the client's first ID, whichever ID it goes to.
      const packet = firstInitial(pair.ports.crypto, dcid, { packetNumber: 2, bytes: 600 });
      if (second === 'other') packet.set(other, 6);
      datagram.set(packet, 600);
      pair.sendToServer(datagram);
      pair.run(() => false, 20_000);
      const { packetsReceived, droppedConnectionId, droppedForged } = pair.accepted.parts.counters;
      return [packetsReceived, droppedConnectionId, droppedForged];
    };
    assert.deepEqual(received('same'), [3, 0, 0]);
    assert.deepEqual(received('other'), [2, 1, 0]);
  });

  it('follows no client to another address before the handshake is confirmed (RFC 9000 §9)', () => {
    // The server hears of the client's Finished from elsewhere only.
    const pair = new Pair();
    const connection = pair.connect();
    pair.rewriteFrom = () => (connection.parts.handshake.isComplete ? address(50, 1) : undefined);
    pair.run(() => false, 3_000_000);
    const { paths, counters, handshake } = pair.accepted.parts;
    assert.equal(handshake.isConfirmed, false);
    assert.deepEqual([paths.count, paths.active.remote], [1, pair.clientAddress]);
    assert.ok(counters.droppedAddress > 0);
  });

  it('refuses handshakes beyond its limit, counts them, and takes the next when one is over', () => {
    const pair = new Pair({ endpoint: { maxHandshakes: 2, retryAtHandshakes: 100 } });
    const open = (): RecordingSink => {
      const sink = new RecordingSink();
      pair.client.connect({ remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink }, pair.now);
      return sink;
    };
    const sinks = [open(), open(), open()];
    assert.ok(pair.run(() => sinks.filter((sink) => sink.confirmed).length === 2));
    assert.deepEqual(
      sinks[2]?.closes.map(({ code }) => code),
      [0x02],
    );
    assert.equal(pair.server.counters.refusedHandshakes, 1);
    const last = open();
    assert.ok(pair.run(() => last.confirmed));
  });

  it('reads no Initial packet in a datagram of less than 1200 bytes, of whomever (RFC 9000 §14.1)', () => {
    for (const bytes of [1199, 1200]) {
      const pair = new Pair();
      const dcid = pattern(8);
      pair.sendToServer(firstInitial(pair.ports.crypto, dcid));
      pair.run(() => pair.server.connections === 1);
      pair.sendToServer(firstInitial(pair.ports.crypto, dcid, { packetNumber: 1, bytes }));
      pair.run(() => false, 20_000);
      const { packetsReceived, droppedMalformed } = pair.accepted.parts.counters;
      assert.deepEqual([packetsReceived, droppedMalformed], bytes < 1200 ? [1, 1] : [2, 0]);
    }
  });

  it('of a certificate that fills many datagrams sends three times what came, no more (RFC 9000 §8)', () => {
    for (const seed of [1, 2, 3]) {
      const { pair, server } = unvalidated(seed);
      pair.run(() => false, 90_000_000);
      assert.ok(server.parts.counters.amplificationBlocked > 0);
      const left = -pair.amplification();
      // All of it is used: it is the limit that holds the server back, not the window.
      assert.ok(left >= 0 && left < 100, `${left}`);
    }
  });

  it('counts towards that what it cannot read too, if it is for the connection (RFC 9000 §8.1)', () => {
    const { pair, passes, server } = unvalidated(1);
    pair.run(() => false, 2_000_000);
    const { counters } = server.parts;
    const forged = sealedLong(pair.opened, PacketType.initial, PING);
    forged[1199] = (forged[1199] as number) ^ 1;
    const { bytesSent } = counters;
    passes.datagrams = 1;
    pair.sendToServer(forged);
    pair.run(() => false, 4_000_000);
    assert.equal(counters.droppedForged, 1);
    assert.ok(counters.bytesSent > bytesSent + 2400);
    assert.ok(pair.amplification() <= 0, `${pair.amplification()}`);
  });

  it('sends CONNECTION_CLOSE within that, in as many packets as fit (RFC 9000 §8, §10.2.3)', () => {
    const packets = new Set<number>();
    // The first flight leaves from 245 bytes to nothing: room for three packets, two, one, none.
    for (let certificateBytes = 3000; certificateBytes < 3300; certificateBytes += 20) {
      const { pair, server } = unvalidated(1, certificateBytes);
      const left = -pair.amplification();
      pair.onServerSends = ({ bytes }) => packets.add(packetTypes(bytes).length);
      server.close(5, 'no more');
      pair.run(() => false, 1_000_000);
      assert.ok(pair.amplification() <= 0, `${pair.amplification()} with ${left} left`);
      assert.equal(pair.amplification() > -left, left >= 64, `${left} left`);
    }
    assert.deepEqual(packets, new Set([3, 2, 1]));
  });

  it('answers no datagram by a larger reset, nor one that could itself be one (RFC 9000 §10.3, §10.3.3)', () => {
    const sizes = new Map<number, number>();
    for (const bytes of [20, 21, 22, 43, 44, 60, 1200]) {
      const pair = new Pair();
      pair.onServerSends = (datagram) => sizes.set(bytes, datagram.bytes.length);
      const stranger = pattern(bytes);
      stranger[0] = 0x41;
      pair.sendToServer(stranger);
      pair.run(() => false, 20_000);
    }
    for (const [received, sent] of sizes) assert.ok(sent < received && sent >= 21, `${sent} for ${received}`);
    assert.deepEqual([...sizes.keys()], [22, 43, 44, 60, 1200]);
  });
});

describe('a client', () => {
  it('drops what has another version than the one in use (RFC 9000 §5.2.1)', () => {
    const { pair, connection } = connected({ toClient: { delayUs: 10_000 } });
    const packet = sealedLong(pair.accepted, PacketType.handshake, PING, {
      sealer: pair.ports.crypto.sealer(Version.v1, 0x1301, new Uint8Array(32)),
    });
    new DataView(packet.buffer).setUint32(1, 0x0a0a0a0a);
    const before = { ...connection.parts.counters };
    pair.sendToClient(packet);
    pair.run(() => false, 20_000);
    const { droppedVersion, droppedForged, droppedNoKeys } = connection.parts.counters;
    assert.equal(droppedVersion, before.droppedVersion + 1);
    assert.deepEqual([droppedForged, droppedNoKeys], [before.droppedForged, before.droppedNoKeys]);
    assert.equal(pair.clientSink.closes.length, 0);
  });

  it('takes a reset token behind whatever looks like a packet, from 21 bytes on (RFC 9000 §10.3)', () => {
    const ends = (first: number, bytes: number) => {
      const { pair, connection } = connected();
      pair.run(() => false, 200_000);
      const cid = connection.parts.peerCids.cidOf(0) as Uint8Array;
      const datagram = pattern(bytes);
      // Towards the client's connection ID, with a Length that fits where it is a long header.
      const scid = connection.parts.handshake.scid;
      // A shorter one has the token where the ID would end.
      if (first < 0x80) datagram.set([first, ...scid]);
      else {
        const peer = connection.parts.handshake.peerScid as Uint8Array;
        datagram.set([first, 0, 0, 0, 1, scid.length, ...scid, peer.length, ...peer, 0x40, bytes - 25]);
      }
      datagram.set(pair.ports.crypto.resetToken(RESET_KEY, cid), bytes - 16);
      pair.sendToClient(datagram);
      pair.run(() => false, 20_000);
      return pair.clientSink.closes[0]?.by;
    };
    assert.deepEqual([ends(0x41, 40), ends(0x41, 25), ends(0xe0, 80)], ['reset', 'reset', 'reset']);
    assert.deepEqual([ends(0x41, 21), ends(0x41, 20)], ['reset', undefined]);
  });

  it('has no more 0-RTT keys once the handshake is complete (RFC 9001 §4.9.3)', () => {
    const first = connected();
    assert.ok(first.pair.run(() => first.pair.clientSink.tickets.length > 0));
    const sink = new RecordingSink();
    const remembered = first.connection.parts.handshake.peer;
    const [ticket] = first.pair.clientSink.tickets;
    assert.ok(ticket);
    const { pair } = first;
    const again = pair.client.connect(
      { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink, ticket, remembered },
      pair.now,
    );
    assert.notEqual(again.parts.keys.sealer(Level.earlyData), undefined);
    assert.ok(pair.run(() => sink.handshake !== undefined));
    assert.equal(sink.handshake?.earlyData, 'accepted');
    assert.ok(again.parts.keys.isDiscarded(Level.earlyData));
  });
});

describe('a connection', () => {
  it('answers PATH_CHALLENGE in a datagram of 1200 bytes (RFC 9000 §8.2.2)', () => {
    const { pair, connection } = connected();
    pair.run(() => false, 200_000);
    const sizes: number[] = [];
    pair.onServerSends = ({ bytes }) => sizes.push(bytes.length);
    pair.sendToServer(sealedPacket(connection, Uint8Array.of(0x1a, ...pattern(8))));
    pair.run(() => false, 50_000);
    assert.ok(sizes.includes(1200), sizes.join());
  });

  it('that is closing answers where packets went, and nobody else (RFC 9000 §10.2.1)', () => {
    const { pair, connection } = connected();
    // Nothing but what is injected comes from the client, which is not told.
    pair.dropTo = pair.clientAddress;
    pair.accepted.close(5, '');
    const ptoUs = pair.accepted.parts.recovery.ptoUs(2);
    pair.run(() => false, ptoUs);
    const to: string[] = [];
    pair.onServerSends = (datagram) => to.push(datagram.to.join());
    for (const from of [address(40, 1), pair.clientAddress]) {
      pair.rewriteFrom = () => from;
      for (let i = 0; i < 8; i++) pair.sendToServer(sealedPacket(connection, PING));
      pair.rewriteFrom = () => undefined;
    }
    pair.run(() => pair.server.connections === 0);
    assert.ok(to.length > 0);
    assert.deepEqual(new Set(to), new Set([pair.clientAddress.join()]));
  });

  it('keeps the keys before an update for three probe timeouts (RFC 9001 §6.5)', () => {
    const { pair, connection } = connected();
    pair.run(() => false, 200_000);
    const server = pair.accepted.parts;
    assert.ok(connection.updateKeys());
    connection.write(connection.openStream(false), pattern(10), true);
    assert.ok(pair.run(() => server.keys.holdsPrevious));
    const from = pair.now;
    const ptoUs = server.recovery.ptoUs(2);
    assert.ok(pair.run(() => !server.keys.holdsPrevious));
    const kept = (pair.now - from) / ptoUs;
    assert.ok(kept > 2.5 && kept < 3.5, `${kept} PTO`);
  });

  it('leaves a packet number out in each few thousand, and never the same ones (RFC 9000 §21.4)', () => {
    const skipped = (seed: number): number[] => {
      const pair = new Pair({ seed, link: { delayUs: 1000 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const { observed, observe } = { observed: [] as number[], observe: connection.parts.recovery.sent(2) };
      connection.write(connection.openStream(false), pattern(20 << 20), true);
      let next = 0;
      const skips = observe.skipped;
      pair.onClientSends = () => {
        for (; next < observe.nextPacketNumber; next++) {
          if (skips.overlaps(Float64Array.of(next, next), 1)) observed.push(next);
        }
      };
      assert.ok(pair.run(() => pair.serverSink.finished.size === 1));
      return observed;
    };
    const [one, other] = [skipped(1), skipped(2)];
    assert.ok(one.length >= 2, one.join());
    assert.notDeepEqual(one, other);
  });
});
