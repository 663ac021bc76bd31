import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from './connection.ts';
import type { Datagram } from './testing/link.ts';
import { packetTypes } from './testing/observe.ts';
import { Pair, type PairOptions } from './testing/pair.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';
import { PacketType } from './wire/packet/packet-type.ts';

const MUCH = pattern(200_000);

/** A client that has more early data than any window takes. @returns the pair, the client's sink and its connection */
const early = (options: PairOptions = {}, watch: (connection: Connection) => void = () => {}) => {
  const client = { initialMaxData: 1 << 22, initialMaxStreamDataBidiRemote: 1 << 22 };
  const pair = new Pair({ ...options, server: client });
  const first = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && pair.clientSink.tickets.length > 0));
  const remembered = first.parts.handshake.peer;
  first.close(0, '');
  assert.ok(pair.run(() => pair.client.connections === 0 && pair.server.connections === 0));
  const sink = new RecordingSink();
  const ticket = pair.clientSink.tickets[0] as Uint8Array;
  const common = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'] };
  const connection = pair.client.connect({ ...common, sink, ticket, remembered }, pair.now);
  pair.onClientSends = () => watch(connection);
  connection.write(connection.openStream(true), MUCH, true);
  return { pair, sink, connection };
};

describe('RFC 9002 §7: bytes in flight', () => {
  it('stay within the window while early data waits for the handshake, but for probes', () => {
    let most = 0;
    let probes = 0;
    const { pair, sink } = early({}, ({ parts: { recovery } }) => {
      most = Math.max(most, recovery.bytesInFlight - recovery.controller.congestionWindow);
      probes = recovery.stats.probeTimeouts;
    });
    assert.ok(pair.run(() => sink.confirmed));
    assert.deepEqual([probes, most <= 0], [0, true], `${most} bytes beyond the window`);
    assert.ok(pair.run(() => pair.serverSinks[1]?.finished.has(0) === true));
  });

  it('leave room for the handshake: early data fills the rest of the window only', () => {
    const { pair, connection } = early();
    pair.run(() => false, 5_000);
    const { bytesInFlight, controller, mtu } = connection.parts.recovery;
    assert.ok(bytesInFlight <= controller.congestionWindow - 2 * mtu.datagramBytes, `${bytesInFlight}`);
    assert.ok(bytesInFlight > controller.congestionWindow - 5 * mtu.datagramBytes, `${bytesInFlight}`);
  });

  it('hold no handshake for ever, whatever is lost', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const loss = 0.1 + 0.015 * seed;
      const { pair } = early({ seed, link: { delayUs: 10_000, loss } });
      assert.ok(
        pair.run(() => pair.serverSinks.some((sink) => sink.finished.has(0)), 600_000_000),
        `seed ${seed}`,
      );
    }
  });

  it('of a server full of early 1-RTT data do not hold its lost handshake for ever', () => {
    for (let seed = 1; seed <= 6; seed++) {
      let dropped = 0;
      const isLong = ({ bytes }: Datagram) => packetTypes(bytes)[0] !== PacketType.oneRtt;
      const drop = (datagram: Datagram) => isLong(datagram) && dropped < seed && dropped++ >= 0;
      const pair = new Pair({ seed, toClient: { delayUs: 10_000, drop } });
      pair.connect();
      assert.ok(pair.run(() => pair.server.connections === 1));
      const server = pair.accepted;
      for (let i = 0; i < 100; i++) server.sendDatagram(MUCH, 0, 1000);
      assert.ok(
        pair.run(() => pair.clientSink.confirmed),
        `seed ${seed}`,
      );
    }
  });
});
