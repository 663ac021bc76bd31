import { randomFillSync } from 'node:crypto';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { programRecorder } from '#host/qlog/environment.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import type { EndpointOptions } from '#protocol/quic/endpoint/maker.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';

/** What servers and clients have in common. */
export interface CommonOptions {
  /** `bbrv3` (default), `cubic` or `newreno`. */
  readonly congestionControl?: string;
  /** Any setting of the connection, over the defaults (`QuicConfig`). */
  readonly transport?: Partial<Omit<QuicConfig, 'controller'>>;
  /** Kernel buffers of the socket in bytes, each. Default 4 MiB. */
  readonly socketBytes?: number;
}

const SOCKET_BYTES = 4 << 20;
/** Long enough for CONNECTION_CLOSE to leave. */
const LINGER_MS = 20;

/** A QUIC endpoint on a UDP socket of its own, with its loop. */
export class BoundEndpoint {
  readonly endpoint: Endpoint;
  readonly socket: UdpSocket;
  readonly #driver: QuicDriver;

  /**
   * Logs its connections where `QLOGDIR` says.
   *
   * @throws Error when the address cannot be had (`code` is the errno's name), QlogEnvironmentError when nothing can be
   * written to `QLOGDIR`
   */
  constructor(
    address: string,
    port: number,
    options: CommonOptions,
    ports: Pick<EndpointOptions, 'tls'> & Partial<Pick<EndpointOptions, 'accept'>>,
  ) {
    const recorder = programRecorder();
    const bytes = options.socketBytes ?? SOCKET_BYTES;
    this.socket = UdpSocket.open({ address, port, receiveBufferBytes: bytes, sendBufferBytes: bytes });
    this.endpoint = new Endpoint({
      ...ports,
      config: DEFAULT_ENDPOINT_CONFIG,
      quic: {
        ...DEFAULT_CONFIG,
        ...options.transport,
        controller: controllerNamed(options.congestionControl ?? DEFAULT_CONTROLLER),
      },
      crypto: opensslCrypto,
      random: systemRandom,
      tokenKey: randomFillSync(new Uint8Array(32)),
      resetKey: randomFillSync(new Uint8Array(32)),
      observe: (connection) => recorder.observe(connection),
    });
    this.#driver = new QuicDriver({ socket: this.socket, endpoint: this.endpoint });
  }

  /** Gives the last packets time to leave, then closes the socket. */
  async close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    this.#driver.close();
  }
}
