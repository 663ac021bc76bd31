/**
 * CPU that an Initial packet of a stranger costs a server, without sockets: `node bench/micro/initials.ts`. Of a full handshake,
 * the part up to the server's first flight.
 */
import { randomFillSync } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsServerPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { QuietConnection } from '#interop/ours/quiet-connection.ts';
import { Burst } from '#protocol/burst.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type EndpointConfig } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { INITIAL_BYTES, type InitialKind, makeInitials } from '../quic-flood/initials.ts';
import { ALPN } from '../quic-perf/request.ts';

const tls = createTlsServerPort({ identities: [createAuthority().issue('perf.test')], alpn: [ALPN] });
const remote = addressOf('192.0.2.2', 4433);
const local = addressOf('192.0.2.1', 4433);

const measure = (name: string, kind: InitialKind, count: number, config: Partial<EndpointConfig>): void => {
  const endpoint = new Endpoint({
    config: { ...DEFAULT_ENDPOINT_CONFIG, ...config },
    quic: { ...DEFAULT_CONFIG, controller: controllerNamed(DEFAULT_CONTROLLER) },
    crypto: opensslCrypto,
    tls,
    random: systemRandom,
    tokenKey: randomFillSync(new Uint8Array(32)),
    accept: () => new QuietConnection(),
  });
  const packets = makeInitials(kind, count);
  const received = new Burst(INITIAL_BYTES, 1);
  const sent = new Burst(1 << 18, 256);
  const start = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    received.clear();
    received.buffer.set(packets.subarray(i * INITIAL_BYTES, (i + 1) * INITIAL_BYTES));
    received.commit(INITIAL_BYTES, 0, remote, 0, local, 0);
    endpoint.handle(received, nowUs());
    while (endpoint.poll(nowUs(), sent)) sent.clear();
  }
  const { accepted, retriesSent, droppedReplyLimit } = endpoint.counters;
  const { user, system } = process.cpuUsage(start);
  const us = ((user + system) / count).toFixed(1);
  console.log(`${name}: ${us} us (accepted ${accepted}, Retry ${retriesSent}, unanswered ${droppedReplyLimit})`);
};

const FAST = { repliesPerSecond: 1e9 };
for (const round of ['cold', 'warm']) {
  console.log(round);
  measure('a handshake begins', 'valid', 2000, { retryAtHandshakes: 1e9, maxHandshakes: 1e9 });
  measure('a forgery, nothing begins', 'garbage', 5000, { retryAtHandshakes: 1e9, maxHandshakes: 1e9 });
  measure('Retry', 'valid', 20_000, { retryAtHandshakes: 0, ...FAST });
  measure('Retry beyond the limit of replies', 'valid', 20_000, { retryAtHandshakes: 0, repliesPerSecond: 1 });
  measure('refused', 'valid', 20_000, { maxHandshakes: 0, ...FAST });
}
