import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Pair } from './testing/pair.ts';
import { pattern } from './testing/sinks.ts';

const link = fc.record({
  delayUs: fc.integer({ min: 0, max: 200_000 }),
  jitterUs: fc.integer({ min: 1, max: 100_000 }),
  loss: fc.double({ min: 0, max: 0.25, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.3, noNaN: true }),
  corrupt: fc.double({ min: 0, max: 0.1, noNaN: true }),
  mtu: fc.integer({ min: 1200, max: 1500 }),
});

const MINUTE_US = 60_000_000;

it('whatever the link does, all data arrives intact and the connection ends in bounded time', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      link,
      link,
      fc.array(fc.nat(30_000), { minLength: 1, maxLength: 8 }),
      (seed, toServer, toClient, sizes) => {
        // A handshake may take longer than it has by default when a quarter of everything is lost.
        const patient = { handshakeTimeoutUs: 10 * MINUTE_US, maxIdleTimeoutMs: 600_000 };
        const pair = new Pair({ seed, toServer, toClient, client: patient, server: patient });
        const connection = pair.connect();
        pair.clientSink.onComplete = () => {
          for (const [i, size] of sizes.entries())
            connection.write(connection.openStream(true), pattern(size, i + 1), true);
        };
        pair.onAccept = (sink) => {
          sink.onStreamData = (server, stream, fin) => {
            if (fin) server.write(stream, sink.bytes(stream), true);
          };
        };
        assert.ok(
          pair.run(() => pair.clientSink.finished.size === sizes.length, 10 * MINUTE_US),
          'data is missing',
        );
        for (const [i, size] of sizes.entries()) assert.deepEqual(pair.clientSink.bytes(4 * i), pattern(size, i + 1));
        connection.close(3, 'done');
        assert.ok(
          pair.run(() => pair.client.connections === 0, MINUTE_US),
          'the client does not end',
        );
        assert.ok(
          pair.run(() => pair.server.connections === 0, 15 * MINUTE_US),
          'the server does not end',
        );
        assert.deepEqual(pair.clientSink.closes, [{ by: 'local', application: true, code: 3, reason: 'done' }]);
      },
    ),
    {
      numRuns: 20,
      // The window was full of 1-RTT data when the client's last handshake message had to be sent again.
      examples: [
        [
          -491_179_134,
          { delayUs: 7, jitterUs: 63_018, loss: 0.2499999999999995, duplicate: 0, corrupt: 0, mtu: 1201 },
          { delayUs: 82_985, jitterUs: 45_767, loss: 0, duplicate: 0, corrupt: 0, mtu: 1264 },
          [17_885],
        ],
      ],
    },
  );
});
