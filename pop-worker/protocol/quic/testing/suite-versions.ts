import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Burst } from '../../burst.ts';
import type { QuicConfig } from '../config.ts';
import { PacketHeader, parseHeader } from '../wire/packet/header.ts';
import { PacketType } from '../wire/packet/packet-type.ts';
import { Version } from '../wire/packet/version.ts';
import { writeVersionNegotiation } from '../wire/packet/version-negotiation.ts';
import type { VersionInformation } from '../wire/parameters/definition.ts';
import { declaring } from './declaring.ts';
import { Pair, type PairOptions, type Ports } from './pair.ts';
import { pattern, RecordingSink } from './sinks.ts';

const { v1, v2 } = Version;
const BOTH = { versions: [v2, v1] };

/** Packet types by sender and version. */
const observe = (pair: Pair) => {
  const seen = new Set<string>();
  const note = (who: string) => (datagram: { bytes: Uint8Array }) => {
    const header = new PacketHeader();
    const { bytes } = datagram;
    for (let at = 0; at < bytes.length && parseHeader(bytes, at, bytes.length, 8, header, true); at = header.end) {
      if (header.type !== PacketType.oneRtt) seen.add(`${who} ${header.type} ${header.version === v2 ? 2 : 1}`);
    }
  };
  pair.onClientSends = note('client');
  pair.onServerSends = note('server');
  return seen;
};

/** Version negotiation, compatible or not (RFC 9368 §2, RFC 9369 §4). */
export const versionSuite = (name: string, ports: (seed: number) => Ports): void => {
  const transfer = (options: PairOptions) => {
    const pair = new Pair({ ports: ports(options.seed ?? 1), ...options });
    const seen = observe(pair);
    const connection = pair.connect();
    pair.clientSink.onComplete = () => connection.write(connection.openStream(true), pattern(20_000), true);
    assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
    assert.equal(connection.parts.version, pair.accepted.parts.version);
    return { seen, version: connection.parts.version, pair };
  };

  describe(`versions, ${name}`, () => {
    it('go from 1 to 2 where both sides would rather, without a round trip', () => {
      const { seen, version } = transfer({ client: BOTH, server: BOTH });
      assert.equal(version, v2);
      assert.ok(seen.has(`client ${PacketType.initial} 1`));
      for (const who of ['client', 'server']) {
        assert.ok(seen.has(`${who} ${PacketType.handshake} 2`));
        assert.ok(!seen.has(`${who} ${PacketType.handshake} 1`));
      }
      assert.ok(!seen.has(`server ${PacketType.initial} 1`));
    });

    it('stay where the server would rather stay, and where a side speaks only one', () => {
      assert.equal(transfer({ client: BOTH, server: { versions: [v1, v2] } }).version, v1);
      assert.equal(transfer({ server: BOTH }).version, v1);
      assert.equal(transfer({ client: BOTH }).version, v1);
      assert.equal(transfer({ client: { versions: [v2] }, server: { versions: [v1, v2] } }).version, v2);
    });

    it('go from 2 to 1 as well', () => {
      const options = { client: BOTH, server: { versions: [v1, v2] }, connect: { version: v2 } };
      assert.equal(transfer(options).version, v1);
    });

    it('change after a Retry, which is in the original one (RFC 9369 §4.1)', () => {
      const { seen, version } = transfer({ client: BOTH, server: BOTH, endpoint: { retryAtHandshakes: 0 } });
      assert.equal(version, v2);
      assert.ok(seen.has(`server ${PacketType.retry} 1`) && !seen.has(`server ${PacketType.retry} 2`));
    });

    it('change whatever is lost on the way', () => {
      for (let seed = 1; seed <= 30; seed++) {
        const link = { delayUs: 10_000, jitterUs: 8000, loss: 0.2, duplicate: 0.1 };
        assert.equal(transfer({ seed, client: BOTH, server: BOTH, link }).version, v2, `seed ${seed}`);
      }
    });

    it('are no matter of Version Negotiation that lists the present one, or comes late (RFC 9000 §6.2)', () => {
      const pair = new Pair({ ports: ports(1) });
      const connection = pair.connect();
      const forge = (...versions: number[]) => {
        const { scid, cids } = connection.parts.handshake;
        const burst = new Burst(100, 1);
        const end = writeVersionNegotiation(burst.buffer, 0, 0xff, scid, cids.original, versions);
        burst.commit(end, 0, pair.serverAddress, 0, pair.clientAddress, 0);
        pair.client.handle(burst, pair.now);
      };
      pair.run(() => pair.serverSinks.length > 0);
      forge(v2, v1);
      assert.equal(pair.clientSink.closes.length, 0);
      assert.ok(pair.run(() => connection.parts.handshake.peerScid !== undefined));
      forge(v2);
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const early = new Pair({ ports: ports(1) });
      const other = early.connect();
      const burst = new Burst(100, 1);
      const { scid, cids } = other.parts.handshake;
      const end = writeVersionNegotiation(burst.buffer, 0, 0xff, scid, cids.original, [v2]);
      burst.commit(end, 0, early.serverAddress, 0, early.clientAddress, 0);
      early.client.handle(burst, early.now);
      assert.equal(early.clientSink.closes[0]?.by, 'version', 'that is how it would have ended');
    });

    it('are tried anew when the server names others (RFC 9368 §2.1)', () => {
      for (const endpoint of [{}, { retryAtHandshakes: 0 }]) {
        const { seen, version, pair } = transfer({
          client: { versions: [v1, v2] },
          server: { versions: [v2] },
          endpoint,
        });
        assert.equal(version, v2);
        assert.deepEqual(
          [pair.server.counters.versionNegotiationsSent, pair.opened.parts.handshake.hasBegunAnew],
          [1, true],
        );
        assert.ok(seen.has(`client ${PacketType.initial} 1`) && !seen.has(`client ${PacketType.handshake} 1`));
      }
    });

    it('are tried anew whatever is lost on the way', () => {
      for (let seed = 1; seed <= 20; seed++) {
        const link = { delayUs: 10_000, jitterUs: 8000, loss: 0.2, duplicate: 0.1 };
        assert.equal(transfer({ seed, client: BOTH, server: { versions: [v2] }, link }).version, v2, `seed ${seed}`);
      }
    });

    it('are tried anew once, in the one that the client prefers, from packet number 0', () => {
      const pair = new Pair({ ports: ports(1), client: BOTH, server: { versions: [v2] } });
      const connection = pair.connect();
      const offer = (versions: readonly number[]) => {
        const { scid, cids } = connection.parts.handshake;
        const packet = new Uint8Array(100);
        pair.sendToClient(packet.slice(0, writeVersionNegotiation(packet, 0, 0xff, scid, cids.original, versions)));
      };
      assert.ok(pair.run(() => connection.parts.handshake.hasBegunAnew));
      const { original } = connection.parts.handshake.cids;
      assert.equal(connection.parts.recovery.sent(0).nextPacketNumber, 1);
      offer([v1]);
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      assert.deepEqual([connection.parts.handshake.cids.original, connection.parts.version], [original, v2]);
    });

    /** How a client ends that begins in version 2, gets a forged Version Negotiation packet, and goes on with the server. */
    const misled = (server: readonly number[], offered: readonly number[], made = ports(1)) => {
      const pair = new Pair({ ports: made, client: BOTH, server: { versions: server }, connect: { version: v2 } });
      const { scid, cids } = pair.connect().parts.handshake;
      const packet = new Uint8Array(100);
      pair.sendToClient(packet.slice(0, writeVersionNegotiation(packet, 0, 0xff, scid, cids.original, offered)));
      pair.run(() => pair.clientSink.closes.length > 0 || pair.clientSink.confirmed);
      return pair;
    };

    it('end the connection for a client that was misled to a lesser one (RFC 9368 §4)', () => {
      const closed = misled([v2, v1], [v1]).clientSink.closes[0];
      assert.deepEqual([closed?.by, closed?.code], ['local', 0x11]);
      assert.match(closed?.reason ?? '', /Version Negotiation/);
      assert.equal(misled([v1], [v1]).clientSink.confirmed, true, 'it would have chosen the same');
    });

    type Change = (information: VersionInformation | undefined) => VersionInformation | undefined;
    /** How a connection ends when one side declares something else than what it does. */
    const lying = (who: 'client' | 'server', change: Change, server: Partial<QuicConfig> = BOTH) => {
      const changed = declaring(ports(1), who, ({ versionInformation }) => ({
        versionInformation: change(versionInformation),
      }));
      const pair = new Pair({ ports: changed, client: BOTH, server });
      pair.connect();
      const sink = () => (who === 'client' ? pair.serverSinks[0] : pair.clientSink);
      assert.ok(pair.run(() => (sink()?.closes.length ?? 0) > 0));
      return sink()?.closes[0];
    };

    for (const [what, who, change] of [
      ['a client that claims another version than its packets have', 'client', () => ({ chosen: v2, available: [v2] })],
      ['a server that claims another version than its packets have', 'server', () => ({ chosen: v1, available: [v1] })],
      ['a server that changed the version and does not say so', 'server', () => undefined],
    ] as const) {
      it(`end the connection for ${what} (RFC 9368 §4)`, () => {
        const closed = lying(who, change);
        assert.deepEqual([closed?.by, closed?.code], ['local', 0x11]);
      });
    }

    for (const [what, change] of [
      ['says nothing of versions', () => undefined],
      ['names none', () => ({ chosen: v2, available: [] })],
    ] as const) {
      it(`end the connection for a server that sent Version Negotiation and ${what} (RFC 9368 §4)`, () => {
        const closed = lying('server', change, { versions: [v2] });
        assert.deepEqual([closed?.by, closed?.code], ['local', 0x11]);
      });
    }
  });
};

/** The same for a client that resumes. @param ports of a server that takes early data */
export const earlyVersionSuite = (name: string, ports: (seed: number) => Ports): void => {
  describe(`versions with early data, ${name}`, () => {
    it('send it again where the server speaks another, without the ticket (RFC 9369 §5)', () => {
      const pair = new Pair({ ports: ports(1), client: BOTH, server: { versions: [v2] } });
      const other = new Pair({ ports: ports(1), client: BOTH, server: BOTH });
      const first = other.connect();
      assert.ok(other.run(() => other.clientSink.tickets.length > 0 && other.clientSink.confirmed));
      const sink = new RecordingSink();
      const [ticket] = other.clientSink.tickets;
      assert.ok(ticket);
      const remembered = first.parts.handshake.peer;
      const common = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink };
      const connection = pair.client.connect({ ...common, ticket, remembered }, pair.now);
      connection.write(connection.openStream(true), pattern(3000), true);
      assert.ok(pair.run(() => sink.confirmed && pair.serverSinks[0]?.finished.has(0) === true));
      assert.deepEqual([sink.handshake?.earlyData, sink.handshake?.resumed], ['rejected', false]);
      assert.equal(connection.parts.version, v2);
      assert.equal(pair.serverSink.bytesReceived, 3000);
    });

    it('leave it in the original one (RFC 9369 §4.1)', () => {
      const pair = new Pair({ ports: ports(1), client: BOTH, server: BOTH });
      const first = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed && pair.clientSink.tickets.length > 0));
      const seen = observe(pair);
      const sink = new RecordingSink();
      const [ticket] = pair.clientSink.tickets;
      assert.ok(ticket);
      const connection = pair.client.connect(
        {
          remote: pair.serverAddress,
          serverName: 'localhost',
          alpn: ['test'],
          sink,
          ticket,
          remembered: first.parts.handshake.peer,
        },
        pair.now,
      );
      connection.write(connection.openStream(true), pattern(3000), true);
      assert.ok(pair.run(() => sink.confirmed && pair.serverSinks[1]?.finished.has(0) === true));
      assert.equal(sink.handshake?.earlyData, 'accepted');
      assert.equal(connection.parts.version, v2);
      assert.ok(seen.has(`client ${PacketType.zeroRtt} 1`) && !seen.has(`client ${PacketType.zeroRtt} 2`));
    });
  });
};
