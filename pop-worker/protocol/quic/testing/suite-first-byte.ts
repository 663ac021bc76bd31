import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { address, Pair, type PairOptions, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

const isShort = (bytes: Uint8Array) => ((bytes[0] as number) & 0x80) === 0;

/** Spin bit and QUIC bit, as an observer sees them. */
export const firstByteSuite = (name: string, ports: (seed: number) => Ports): void => {
  /** The first bytes that each side sent, long headers and short ones apart. */
  const observe = (options: PairOptions, move = false) => {
    const pair = new Pair({ ports: ports(options.seed ?? 1), ...options });
    const client: number[] = [];
    const server: number[] = [];
    const long: number[] = [];
    pair.onClientSends = ({ bytes }) => (isShort(bytes) ? client : long).push(bytes[0] as number);
    pair.onServerSends = ({ bytes }) => (isShort(bytes) ? server : long).push(bytes[0] as number);
    const connection = pair.connect();
    pair.clientSink.onComplete = () => connection.write(connection.openStream(true), pattern(400_000), true);
    if (move) {
      assert.ok(pair.run(() => pair.serverSinks[0] !== undefined && pair.serverSinks[0].bytesReceived > 100_000));
      connection.migrate(address(3, 4100), pair.now);
    }
    assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
    return { pair, client, server, long };
  };
  const flips = (bytes: readonly number[]): number =>
    bytes.filter((byte, i) => i > 0 && ((byte ^ (bytes[i - 1] as number)) & 0x20) !== 0).length;

  describe(`spin bit, ${name}`, () => {
    it('flips once a round trip, and the server follows (RFC 9000 §17.4)', () => {
      const seed = [1, 2, 3, 4].find((each) => observe({ seed: each }).pair.opened.parts.paths.active.spins) as number;
      const { pair, client } = observe({ seed });
      const rounds = (pair.now - 1_000_000) / pair.opened.parts.recovery.rtt.minUs;
      assert.ok(flips(client) >= 3, `${flips(client)}`);
      assert.ok(flips(client) <= rounds, `${flips(client)} flips in ${rounds} round trips`);
    });

    it('is off on about one path in sixteen, and everywhere when told so', () => {
      const paths = 300;
      const count = (options: PairOptions): number => {
        let off = 0;
        const pair = new Pair({ ports: ports(1), ...options });
        for (let i = 0; i < paths; i++) {
          const connection = pair.connect();
          pair.run(() => connection.parts.paths.active.spinCid !== undefined);
          if (!connection.parts.paths.active.spins) off++;
          connection.close(0, '');
          pair.run(() => pair.client.connections === 0);
        }
        return off;
      };
      const off = count({});
      assert.ok(off >= 5 && off <= 45, `${off} of ${paths}`);
      assert.equal(count({ client: { spinBit: false } }), paths);
    });

    it('says the same all along a connection ID where it is off', () => {
      const { client, server } = observe({ client: { spinBit: false }, server: { spinBit: false } });
      assert.deepEqual([flips(client), flips(server)], [0, 0]);
    });

    it('begins anew at another address', () => {
      const { pair } = observe({}, true);
      const { active } = pair.opened.parts.paths;
      assert.ok(active.id > 0 && active.spinCid !== undefined);
    });
  });

  const cleared = (bytes: readonly number[]): number =>
    bytes.filter((byte) => (byte & 0x40) === 0).length / bytes.length;

  describe(`QUIC bit, ${name}`, () => {
    it('is cleared in half of the packets once the peer said that it does not mind (RFC 9287 §3.1)', () => {
      const { client, server } = observe({});
      for (const share of [cleared(client), cleared(server)]) assert.ok(share > 0.3 && share < 0.7, `${share}`);
    });

    it('is set before parameters came, and towards those that do not take it', () => {
      const { client, server } = observe({ client: { greaseQuicBit: false } });
      assert.deepEqual([cleared(client), cleared(server)], [0, 0]);
      const pair = new Pair({ ports: ports(1) });
      const first: number[] = [];
      pair.onClientSends = ({ bytes }) => first.push(bytes[0] as number);
      pair.connect();
      pair.run(() => pair.serverSinks.length > 0);
      assert.ok(first.length > 0 && cleared(first) === 0);
    });

    it('must be set where we did not say that we take it (RFC 9000 §17.3.1)', () => {
      const { pair } = observe({ server: { greaseQuicBit: false } });
      // As if the client had misunderstood.
      pair.opened.parts.firstByte.peerGreases = true;
      const before = pair.accepted.parts.counters.droppedMalformed;
      const connection = pair.opened;
      connection.write(connection.openStream(true), pattern(50_000), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(4)));
      assert.ok(pair.accepted.parts.counters.droppedMalformed > before);
    });
  });
};
