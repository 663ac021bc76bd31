import assert from 'node:assert/strict';
import test from 'node:test';
import { Pair, type PairOptions, testPorts } from './testing/pair.ts';
import { SeededRandom } from './testing/random.ts';
import { encodeTransportParameters, parseTransportParameters } from './wire/transport-parameters.ts';

const ROOMY = { initialDatagramBytes: 1331 };

/** @returns microseconds until both ends have confirmed, and the largest datagram of the server's */
const handshake = (options: PairOptions): { readonly us: number; readonly largest: number } => {
  const pair = new Pair(options);
  let largest = 0;
  pair.onServerSends = ({ bytes }) => {
    largest = Math.max(largest, bytes.length);
  };
  const from = pair.now;
  pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && pair.serverSinks.every((sink) => sink.confirmed)));
  return { us: pair.now - from, largest };
};

test('a server sends no larger datagrams than its client has shown, until probes show more', () => {
  const small = { delayUs: 10_000, mtu: 1232 };
  assert.ok(handshake({ link: small, server: ROOMY }).us < 500_000);
});

test('a path that takes only 1232 bytes costs a client that begins with 1331 time, not the connection', () => {
  const { us } = handshake({ link: { delayUs: 10_000, mtu: 1232 }, client: ROOMY, server: ROOMY });
  // Probe timeouts of 1, 2 and 4 s.
  assert.ok(us < 7_500_000, `${us}`);
});

for (const limit of [1200, 1250, 1330]) {
  test(`a client that takes at most ${limit} bytes is served by a server that would begin with more`, () => {
    const ports = testPorts(new SeededRandom(3));
    const { clientTls } = ports;
    const client: typeof clientTls.client = (options) => {
      const declared = parseTransportParameters(options.transportParameters, 'client');
      const transportParameters = encodeTransportParameters({ ...declared, maxUdpPayloadSize: limit });
      return clientTls.client({ ...options, transportParameters });
    };
    const { us, largest } = handshake({
      client: ROOMY,
      server: ROOMY,
      ports: { ...ports, clientTls: { ...clientTls, client } },
    });
    assert.ok(us < 500_000, `${us}`);
    assert.ok(largest <= limit, `${largest}`);
  });
}
