import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointCounters } from '../counters.ts';
import { firstInitial } from './injector.ts';
import { Pair, type Ports } from './pair.ts';
import { pattern, RecordingSink } from './sinks.ts';

/** What counts a datagram of nobody's, how many answer it, its size, and what it begins with; the rest is zero. */
const STRANGERS: readonly (readonly [counter: keyof EndpointCounters, answers: number, bytes: number, ...number[]])[] =
  [
    ['droppedTooShort', 0, 10],
    // A long header with a destination connection ID of 8 bytes, of version 1 and without Length.
    ['droppedMalformed', 0, 306, 0xc0, 0, 0, 0, 1, 8],
    // Handshake and 0-RTT packets of version 1.
    ['droppedUnknown', 0, 1200, 0xe0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x44, 0x80],
    ['droppedUnknown', 0, 1200, 0xd0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x44, 0x80],
    // Version Negotiation (RFC 9000 §6.1), and versions that nobody speaks (§5.2.2).
    ['droppedUnknown', 0, 1200, 0xc0, 0, 0, 0, 0, 8],
    ['versionNegotiationsSent', 1, 1200, 0xff, 0xff, 0xff, 0xff, 0xff, 8],
    ['droppedSmallInitial', 0, 1199, 0xff, 0xff, 0xff, 0xff, 0xff, 8],
  ];

/** A certificate that makes a server's first flight longer than three datagrams of a client allow. */
const LONG_CERTIFICATE = 9000;

/**
 * What the endpoint does with strangers: Retry, tokens, versions, limits (RFC 9000 §5.2.2, §6, §8.1).
 *
 * @param ports with a certificate of so many bytes, where they can choose
 */
export const endpointSuite = (name: string, ports: (seed: number, certificateBytes?: number) => Ports): void => {
  const make = (options: ConstructorParameters<typeof Pair>[0] = {}) => new Pair({ ports: ports(1), ...options });

  describe(`endpoint, ${name}`, () => {
    it('asks for proof of the address by Retry', () => {
      const pair = make({ endpoint: { retryAtHandshakes: 0 } });
      const connection = pair.connect();
      const data = pattern(10_000);
      pair.clientSink.onComplete = () => connection.write(connection.openStream(true), data, true);
      assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
      assert.equal(pair.server.counters.retriesSent, 1);
      assert.equal(pair.server.counters.accepted, 1);
      assert.deepEqual(pair.serverSink.bytes(0), data);
    });

    it('asks for it only while so many handshakes are in progress', () => {
      const pair = make({ endpoint: { retryAtHandshakes: 3 } });
      const open = (): RecordingSink => {
        const sink = new RecordingSink();
        pair.client.connect({ remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink }, pair.now);
        return sink;
      };
      const sinks = [open(), open(), open(), open(), open()];
      assert.ok(pair.run(() => sinks.every((sink) => sink.confirmed)));
      assert.equal(pair.server.counters.retriesSent, 2);
      assert.equal(pair.server.handshakes, 0);
      const last = open();
      assert.ok(pair.run(() => last.confirmed));
      assert.equal(pair.server.counters.retriesSent, 2);
    });

    it('needs no Retry for a token of NEW_TOKEN', () => {
      const pair = make({ endpoint: { retryAtHandshakes: 0 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const sink = new RecordingSink();
      const token = connection.newToken;
      assert.ok(token);
      pair.client.connect(
        { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink, token },
        pair.now,
      );
      assert.ok(pair.run(() => sink.confirmed));
      assert.equal(pair.server.counters.retriesSent, 1);
    });

    it('shows such a token only to the server that gave it (RFC 9000 §8.1.3)', () => {
      const pair = make({ endpoint: { retryAtHandshakes: 0 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const { newToken } = connection;
      assert.equal(newToken?.serverName, 'localhost');
      const token = { ...newToken, serverName: 'elsewhere' };
      const sink = new RecordingSink();
      const common = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'] };
      assert.equal(pair.client.connect({ ...common, sink, token }, pair.now).parts.handshake.token.length, 0);
      assert.ok(pair.run(() => sink.confirmed));
      assert.equal(pair.server.counters.retriesSent, 2);
    });

    it('takes such a token once (RFC 9000 §8.1.4)', () => {
      const pair = make({ endpoint: { retryAtHandshakes: 0 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const token = connection.newToken;
      assert.ok(token);
      for (const retries of [1, 2]) {
        const sink = new RecordingSink();
        const common = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'] };
        pair.client.connect({ ...common, sink, token }, pair.now);
        assert.ok(pair.run(() => sink.confirmed));
        assert.equal(pair.server.counters.retriesSent, retries);
      }
      assert.equal(pair.server.counters.replayedTokens, 1);
    });

    it('refuses a Retry token that comes too late', () => {
      const pair = make({ endpoint: { retryAtHandshakes: 0, retryTokenUs: 1000 } });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.closes.length === 1));
      assert.equal(pair.clientSink.closes[0]?.code, 0x0b);
      assert.ok(pair.server.counters.invalidTokens > 0);
      assert.equal(pair.server.connections, 0);
    });

    it('answers versions that it does not speak, and a client gives up that speaks no other', () => {
      const pair = make({ client: { versions: [0x6b33_43cf] } });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.closes.length === 1));
      assert.equal(pair.clientSink.closes[0]?.by, 'version');
      assert.equal(pair.server.counters.versionNegotiationsSent, 1);
      assert.equal(pair.server.connections, 0);
    });

    it('speaks version 2', () => {
      const versions = [0x6b33_43cf, 1];
      const pair = make({ client: { versions }, server: { versions } });
      const connection = pair.connect();
      pair.clientSink.onComplete = () => connection.write(connection.openStream(true), pattern(5000), true);
      assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
      assert.equal(pair.accepted.parts.version, 0x6b33_43cf);
    });

    it('refuses connections beyond its limit', () => {
      const pair = make({ endpoint: { maxConnections: 1 } });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const sink = new RecordingSink();
      pair.client.connect({ remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink }, pair.now);
      assert.ok(pair.run(() => sink.closes.length === 1));
      assert.equal(sink.closes[0]?.code, 0x02);
      assert.equal(pair.server.counters.refusedConnections, 1);
    });

    it('never sends more than three times what came from an address that is not validated', () => {
      for (let seed = 1; seed <= 10; seed++) {
        // The client hears nothing, so it sends Initial packets only, of which one to three arrive: nothing ever validates it.
        let sent = 0;
        const toServer = { delayUs: 1000, drop: () => sent++ > seed % 3 };
        const toClient = { delayUs: 1000, loss: 1 };
        const pair = make({ seed, ports: ports(seed, LONG_CERTIFICATE), toServer, toClient });
        pair.connect();
        pair.onServerSends = () => assert.ok(pair.amplification() <= 0, `seed ${seed}: ${pair.amplification()}`);
        pair.run(() => false, 90_000_000);
        assert.ok(pair.toClient.sent > 0);
        assert.equal(pair.server.connections, 0);
      }
    });

    it('drops Initial packets in small datagrams and what is no QUIC at all', () => {
      for (const [counter, answers, bytes, ...first] of STRANGERS) {
        const pair = make();
        const datagram = new Uint8Array(bytes);
        datagram.set(first);
        pair.sendToServer(datagram);
        pair.run(() => false, 100_000);
        const what = `${bytes} bytes that begin with ${first.join()}`;
        assert.equal(pair.server.counters[counter], 1, what);
        assert.deepEqual([pair.toClient.sent, pair.server.connections], [answers, 0], what);
      }
    });

    it('takes a first Initial packet in 1200 bytes, and none in 1199 (RFC 9000 §14.1)', () => {
      for (const bytes of [1199, 1200]) {
        const pair = make();
        pair.sendToServer(firstInitial(pair.ports.crypto, pattern(8), { bytes }));
        pair.run(() => false, 100_000);
        assert.equal(pair.server.connections, bytes - 1199, `${bytes}`);
        assert.equal(pair.server.counters.droppedSmallInitial, 1200 - bytes, `${bytes}`);
      }
    });

    it('keeps nothing of an Initial packet that is not authentic', () => {
      const pair = make();
      const forged = pattern(1200);
      forged.set([0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x80]);
      pair.sendToServer(forged);
      pair.run(() => false, 100_000);
      assert.equal(pair.server.connections, 0);
      assert.equal(pair.server.handshakes, 0);
    });

    it('serves many connections at once', () => {
      const pair = make();
      const sinks: RecordingSink[] = [];
      for (let i = 0; i < 50; i++) {
        const sink = new RecordingSink();
        sinks.push(sink);
        const connection = pair.client.connect(
          { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink },
          pair.now,
        );
        sink.onComplete = () => connection.write(connection.openStream(false), pattern(20_000, i), true);
      }
      assert.ok(pair.run(() => pair.serverSinks.filter((sink) => sink.finished.size === 1).length === 50));
      assert.equal(pair.server.connections, 50);
    });
  });
};
