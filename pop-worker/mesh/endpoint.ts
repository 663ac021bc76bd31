import { randomFillSync } from 'node:crypto';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import type { EndpointOptions } from '#protocol/quic/endpoint/maker.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';

/** A worker that is silent for so long has lost its link; that it is dead is known long before. */
const IDLE_MS = 3000;

const meshQuic = (congestionControl: string): QuicConfig => ({
  ...DEFAULT_CONFIG,
  controller: controllerNamed(congestionControl),
  maxIdleTimeoutMs: IDLE_MS,
  handshakeTimeoutUs: 5_000_000,
  initialMaxStreamsBidi: 1,
  initialMaxStreamsUni: 0,
  maxDatagramBytes: 1472,
  datagramQueueBytes: 1 << 21,
  datagramQueueCount: 2048,
  disableActiveMigration: true,
});

/** QUIC as links of the mesh speak it. */
export const meshEndpoint = (
  congestionControl: string,
  ports: Pick<EndpointOptions, 'tls' | 'accept' | 'onFault'>,
): Endpoint =>
  new Endpoint({
    config: { ...DEFAULT_ENDPOINT_CONFIG, maxConnections: 4096, maxHandshakes: 256, retryAtHandshakes: 32 },
    quic: meshQuic(congestionControl),
    crypto: opensslCrypto,
    random: systemRandom,
    tokenKey: randomFillSync(new Uint8Array(32)),
    // A worker that starts anew ends what its earlier process held: its peers call again at once.
    resetKey: randomFillSync(new Uint8Array(32)),
    ...ports,
  });
