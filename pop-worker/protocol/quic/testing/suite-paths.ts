import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { address, Pair, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

/** Changes of the client's address (RFC 9000 §9). */
export const pathSuite = (name: string, ports: (seed: number) => Ports): void => {
  const make = (options: ConstructorParameters<typeof Pair>[0] = {}) => new Pair({ ports: ports(1), ...options });

  const rebind = (to: Int32Array): Pair => {
    const pair = make();
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    const down = pattern(400_000, 5);
    pair.serverSink.onStreamData = (server, stream, fin) => {
      if (fin) server.write(stream, down, true);
    };
    connection.write(connection.openStream(true), pattern(1000), true);
    assert.ok(pair.run(() => pair.clientSink.bytesReceived > 50_000));
    pair.clientAddress = to;
    pair.onServerSends = ({ to: target }) => {
      if (target.join() === to.join() && !pair.accepted.parts.paths.active.validated) {
        assert.ok(pair.amplification(to) <= 0, `${pair.amplification(to)}`);
      }
    };
    assert.ok(pair.run(() => pair.clientSink.finished.has(0)));
    assert.deepEqual(pair.clientSink.bytes(0), down);
    assert.ok(pair.accepted.parts.paths.active.validated);
    assert.deepEqual(pair.accepted.parts.paths.active.remote, to);
    return pair;
  };

  describe(`paths, ${name}`, () => {
    it('follows a client whose port changes, and keeps its congestion state', () => {
      const pair = rebind(address(2, 5000));
      assert.equal(pair.accepted.parts.paths.active.congestionId, 0);
    });

    it('follows a client whose address changes, with congestion state of its own', () => {
      const pair = rebind(address(3, 4000));
      assert.notEqual(pair.accepted.parts.paths.active.congestionId, 0);
    });

    it('goes back when the new address does not answer', () => {
      const elsewhere = address(66, 666);
      let spoof = false;
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 500_000);
      // Somebody on the path forwards one packet from another address, before the original.
      pair.rewriteFrom = () => (spoof ? elsewhere : undefined);
      pair.dropTo = elsewhere;
      spoof = true;
      connection.write(connection.openStream(true), pattern(100), true);
      assert.ok(pair.run(() => pair.accepted.parts.paths.active.remote.join() === elsewhere.join()));
      spoof = false;
      pair.onServerSends = ({ to }) => {
        if (to.join() === elsewhere.join()) assert.ok(pair.amplification(elsewhere) <= 0);
      };
      pair.run(() => false, 5_000_000);
      assert.deepEqual(pair.accepted.parts.paths.active.remote, pair.clientAddress);
      const server = pair.accepted;
      server.write(server.openStream(false), pattern(5000), true);
      assert.ok(pair.run(() => pair.clientSink.finished.size > 0));
    });

    it('asks again in a datagram of full size where the first challenge had to be smaller (§8.2.1)', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 500_000);
      pair.clientAddress = address(3, 5000);
      const sizes: number[] = [];
      pair.onServerSends = ({ to, bytes }) => {
        if (to.join() === pair.clientAddress.join()) sizes.push(bytes.length);
      };
      connection.parts.spaces[2].ping = true;
      connection.write(connection.openStream(true), pattern(10), true);
      const { paths } = pair.accepted.parts;
      assert.ok(pair.run(() => paths.active.id > 0 && paths.active.validated));
      assert.ok((sizes[0] as number) < 1200, sizes.join());
      assert.ok(pair.run(() => sizes.includes(1200), 2_000_000));
      assert.ok(pair.run(() => !pair.accepted.parts.paths.active.validation.running, 2_000_000));
    });

    it('asks the former address too, in case somebody forwards packets (§9.3.3)', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 500_000);
      const former = pair.clientAddress.join();
      const challenges: number[] = [];
      pair.onServerSends = ({ to, bytes }) => {
        if (to.join() === former) challenges.push(bytes.length);
      };
      pair.clientAddress = address(3, 5000);
      connection.write(connection.openStream(true), pattern(10), true);
      const { paths } = pair.accepted.parts;
      assert.ok(pair.run(() => paths.active.id > 0 && paths.active.validated));
      assert.ok(challenges.includes(1200), challenges.join());
    });

    it('drops what comes to a client from another server address', () => {
      const pair = make();
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const before = pair.clientSink.bytesReceived;
      pair.rewriteServer = address(9, 443);
      const server = pair.accepted;
      server.write(server.openStream(false), pattern(100), true);
      pair.run(() => false, 500_000);
      assert.equal(pair.clientSink.bytesReceived, before);
      pair.rewriteServer = undefined;
      assert.ok(pair.run(() => pair.clientSink.finished.size === 1));
    });
  });
};
