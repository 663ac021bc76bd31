import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../connection.ts';
import { Pair, type Ports } from './pair.ts';
import { pattern, RecordingSink } from './sinks.ts';

/** Early data (RFC 9001 §4.6, RFC 9000 §7.4.1). @param ports of a server that takes it, or not */
export const earlyDataSuite = (name: string, ports: (accepts: boolean) => Ports): void => {
  /** A second connection that resumes the first and writes before its handshake. */
  const resume = (accepts: boolean, options: ConstructorParameters<typeof Pair>[0] = {}) => {
    const pair = new Pair({ ...options, ports: ports(accepts) });
    const first = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed && pair.clientSink.tickets.length > 0));
    const remembered = first.parts.handshake.peer;
    const [ticket] = pair.clientSink.tickets;
    assert.ok(ticket);
    first.close(0, '');
    assert.ok(pair.run(() => pair.client.connections === 0 && pair.server.connections === 0));
    const sink = new RecordingSink();
    const start = pair.now;
    const connection: Connection = pair.client.connect(
      { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink, ticket, remembered },
      pair.now,
    );
    const stream = connection.openStream(true);
    connection.write(stream, pattern(3000), true);
    return { pair, sink, connection, stream, start };
  };

  describe(`early data, ${name}`, () => {
    it('arrives with the first flight', () => {
      const { pair, sink, stream, start } = resume(true);
      assert.ok(pair.run(() => pair.serverSinks[1]?.finished.has(stream) === true));
      assert.ok(pair.now - start < 15_000, `${pair.now - start}`);
      assert.deepEqual(pair.serverSinks[1]?.bytes(stream), pattern(3000));
      assert.ok(pair.run(() => sink.confirmed));
      assert.equal(sink.handshake?.earlyData, 'accepted');
      assert.ok(sink.handshake?.resumed);
    });

    it('is sent again after it was refused', () => {
      const { pair, sink, stream } = resume(false);
      assert.ok(pair.run(() => pair.serverSinks[1]?.finished.has(stream) === true));
      assert.deepEqual(pair.serverSinks[1]?.bytes(stream), pattern(3000));
      assert.ok(pair.run(() => sink.confirmed));
      assert.equal(sink.handshake?.earlyData, 'rejected');
    });

    it('survives Retry', () => {
      const { pair, sink, stream } = resume(true, { endpoint: { retryAtHandshakes: 0 } });
      assert.ok(pair.run(() => sink.confirmed && pair.serverSinks[1]?.finished.has(stream) === true));
      assert.deepEqual(pair.serverSinks[1]?.bytes(stream), pattern(3000));
    });

    it('survives loss', () => {
      for (let seed = 1; seed <= 10; seed++) {
        const { pair, stream } = resume(seed % 2 === 0, { seed, link: { delayUs: 10_000, loss: 0.1 } });
        assert.ok(pair.run(() => pair.serverSinks[1]?.finished.has(stream) === true));
        assert.deepEqual(pair.serverSinks[1]?.bytes(stream), pattern(3000));
      }
    });
  });
};
