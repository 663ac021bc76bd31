import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pair, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

/** All the ways in which a connection ends (RFC 9000 §10). */
export const closingSuite = (name: string, ports: (seed: number) => Ports): void => {
  const make = (options: ConstructorParameters<typeof Pair>[0] = {}) => new Pair({ ports: ports(1), ...options });
  const isOver = (pair: Pair) => pair.client.connections === 0 && pair.server.connections === 0;

  describe(`closing, ${name}`, () => {
    it('is closed by the client', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      connection.close(7, 'bye');
      assert.ok(pair.run(() => isOver(pair)));
      assert.deepEqual(pair.serverSink.closes, [{ by: 'remote', application: true, code: 7, reason: 'bye' }]);
      assert.deepEqual(pair.clientSink.closes, [{ by: 'local', application: true, code: 7, reason: 'bye' }]);
    });

    it('is closed by the server', () => {
      const pair = make();
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.accepted.close(9, 'enough');
      assert.ok(pair.run(() => isOver(pair)));
      assert.deepEqual(pair.clientSink.closes, [{ by: 'remote', application: true, code: 9, reason: 'enough' }]);
    });

    it('is closed by both at once', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      connection.close(1, '');
      pair.accepted.close(2, '');
      assert.ok(pair.run(() => isOver(pair)));
      assert.equal(pair.clientSink.closes.length, 1);
      assert.equal(pair.serverSink.closes.length, 1);
    });

    it('hides an application error from packets that anybody can read', () => {
      const pair = make();
      const connection = pair.connect();
      pair.onAccept = (sink) => {
        sink.onComplete = () => assert.fail('the handshake was not to complete');
      };
      pair.run(() => pair.serverSinks.length > 0, 1_000_000);
      connection.close(77, 'secret');
      assert.ok(pair.run(() => pair.serverSinks[0]?.closes.length === 1));
      // 0x0c is APPLICATION_ERROR (RFC 9000 §10.2.3).
      assert.deepEqual(pair.serverSink.closes, [{ by: 'remote', application: false, code: 0x0c, reason: '' }]);
    });

    it('repeats CONNECTION_CLOSE more and more rarely', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      let closing = 0;
      let dropped = 0;
      pair.onClientSends = () => {
        closing++;
      };
      // The server never hears of the close and goes on sending.
      const server = pair.accepted;
      connection.close(1, '');
      pair.toServer.send = () => {
        dropped++;
      };
      server.write(server.openStream(false), pattern(100_000), true);
      pair.run(() => pair.client.connections === 0);
      assert.ok(dropped > 1 && dropped < 8, `${dropped}`);
      assert.equal(closing, 0);
    });

    it('ends silently when nothing comes any more', () => {
      const pair = make({ client: { maxIdleTimeoutMs: 5000 }, server: { maxIdleTimeoutMs: 20_000 } });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const start = pair.now;
      assert.ok(pair.run(() => isOver(pair)));
      // The smaller of both values counts on both sides (RFC 9000 §10.1).
      assert.ok(pair.now - start > 4_900_000 && pair.now - start < 6_000_000, `${pair.now - start}`);
      assert.equal(pair.clientSink.closes[0]?.by, 'idle');
      assert.equal(pair.serverSink.closes[0]?.by, 'idle');
    });

    it('is kept alive when asked to', () => {
      const pair = make({ client: { maxIdleTimeoutMs: 5000, keepAliveUs: 2_000_000 } });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 60_000_000);
      assert.equal(pair.clientSink.closes.length, 0);
      assert.equal(pair.serverSink.closes.length, 0);
    });

    it('gives up when nobody answers', () => {
      const pair = make({ toServer: { delayUs: 1000, loss: 1 } });
      pair.connect();
      assert.ok(pair.run(() => pair.client.connections === 0));
      assert.equal(pair.clientSink.closes[0]?.by, 'idle');
      assert.ok(pair.now < 12_000_000);
    });

    it('ends by a stateless reset when the server has lost its state', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 1_000_000);
      pair.forgetServer();
      connection.write(connection.openStream(true), pattern(100), true);
      assert.ok(pair.run(() => pair.clientSink.closes.length === 1));
      assert.equal(pair.clientSink.closes[0]?.by, 'reset');
      assert.ok(pair.server.counters.statelessResetsSent > 0);
    });

    it('does not answer resets with resets for ever', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.forgetServer();
      connection.write(connection.openStream(true), pattern(100), true);
      pair.run(() => pair.clientSink.closes.length === 1);
      const before = pair.server.counters.statelessResetsSent;
      pair.run(() => false, 20_000_000);
      assert.ok(pair.server.counters.statelessResetsSent - before <= 2);
    });
  });
};
