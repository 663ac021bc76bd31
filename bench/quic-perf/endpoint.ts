import { randomFillSync } from 'node:crypto';
import { BACKLOG_DATAGRAMS } from '#dataplane/edge-config.ts';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { programRecorder } from '#host/qlog/environment.ts';
import { systemRandom } from '#host/random/random.ts';
import { yieldHelpers } from '#host/thread/helpers.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import type { EndpointOptions } from '#protocol/quic/endpoint/maker.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';

/** Between the sides of a measurement nothing stands that would be helped by less. */
const SOCKET_BYTES = 8 << 20;
/** Connections that are only held open say nothing for long. */
const IDLE_TIMEOUT_MS = 600_000;
const STREAMS = 1 << 14;
const WINDOW_BYTES = 4 << 20;
/** UDP payload of a full packet on a link of 1500 bytes, by family. */
const DATAGRAM_BYTES = { 4: 1472, 6: 1452 } as const;
/** A DATAGRAM of 1200 bytes fits from the first packet on; some stacks read no more than 1452 before they said so. */
const FIRST_BYTES = 1280;

/** Key exchanges in OpenSSL's syntax: the cheapest one, and of a server whatever else its client insists on. */
export const CLIENT_GROUPS = 'X25519:P-256';
export const SERVER_GROUPS = `${CLIENT_GROUPS}:X25519MLKEM768`;

const quicConfig = (controller: string, family: 4 | 6): QuicConfig => ({
  ...DEFAULT_CONFIG,
  controller: controllerNamed(controller),
  maxIdleTimeoutMs: IDLE_TIMEOUT_MS,
  initialMaxStreamsBidi: STREAMS,
  initialMaxData: WINDOW_BYTES,
  initialMaxStreamDataBidiLocal: WINDOW_BYTES,
  maxDatagramBytes: DATAGRAM_BYTES[family],
  initialDatagramBytes: FIRST_BYTES,
});

export interface PerfEndpoint {
  readonly endpoint: Endpoint;
  readonly driver: QuicDriver;
  readonly socket: UdpSocket;
}

/** An endpoint with a socket and a loop of its own. @param controller a name of the registry */
export const openEndpoint = (
  address: string,
  port: number,
  controller: string,
  options: Pick<EndpointOptions, 'tls'> & Partial<Pick<EndpointOptions, 'accept'>>,
): PerfEndpoint => {
  yieldHelpers();
  const sizes = { receiveBufferBytes: SOCKET_BYTES, sendBufferBytes: SOCKET_BYTES };
  const socket = UdpSocket.open({ address, port, waited: true, ...sizes });
  const endpoint = new Endpoint({
    ...options,
    config: { ...DEFAULT_ENDPOINT_CONFIG, backlogDatagrams: BACKLOG_DATAGRAMS },
    quic: quicConfig(controller, address.includes(':') ? 6 : 4),
    crypto: opensslCrypto,
    random: systemRandom,
    tokenKey: randomFillSync(new Uint8Array(32)),
    resetKey: randomFillSync(new Uint8Array(32)),
    observe: (connection) => programRecorder().observe(connection),
  });
  return { endpoint, socket, driver: new QuicDriver({ socket, endpoint, look: (mostUs) => socket.look(mostUs) }) };
};
