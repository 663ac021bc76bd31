import { randomFillSync } from 'node:crypto';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { programRecorder } from '#host/qlog/environment.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { controllerNamed, controllerNames, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import type { Http3Observer } from '#protocol/http3/observer.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import type { EndpointOptions } from '#protocol/quic/endpoint/maker.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { type Checks, defined, oneOf, trueOrFalse, whole } from './options.ts';
import { type TransportOptions, transport } from './transport-options.ts';

/** What servers and clients have in common. */
export interface CommonOptions {
  /** `bbrv3` (default), `cubic` or `newreno`. */
  readonly congestionControl?: string;
  /** Any setting of the connection, over the defaults (`QuicConfig`). */
  readonly transport?: TransportOptions;
  /** Kernel buffers of the socket in bytes, each; 0: the kernel's default. Default 4 MiB. */
  readonly socketBytes?: number;
  /**
   * Looks for the next datagram for up to 100 microseconds before the thread sleeps, while the other side answers so fast
   * that this saves CPU. False: other work of the thread must not wait so long. Default true.
   */
  readonly lookout?: boolean;
}

const SOCKET_BYTES = 4 << 20;
const MOST_SOCKET_BYTES = 2 ** 30;
/** Long enough for CONNECTION_CLOSE to leave. */
const LINGER_MS = 20;

export const COMMON_CHECKS: Checks<CommonOptions> = {
  congestionControl: oneOf(controllerNames()),
  transport,
  socketBytes: whole(0, MOST_SOCKET_BYTES),
  lookout: trueOrFalse,
};

/** A QUIC endpoint on a UDP socket of its own, with its loop. */
export class BoundEndpoint {
  readonly endpoint: Endpoint;
  readonly socket: UdpSocket;
  /** Who logs the HTTP/3 frames of a connection. */
  readonly observerOf: (quic: QuicConnection) => Http3Observer | undefined;
  readonly #driver: QuicDriver;

  /**
   * Logs its connections where `QLOGDIR` says.
   *
   * @param options checked by `COMMON_CHECKS`
   * @throws Error when the address cannot be had (`code` is the errno's name), QlogEnvironmentError when nothing can be
   * written to `QLOGDIR`
   */
  constructor(
    address: string,
    port: number,
    options: CommonOptions,
    ports: Pick<EndpointOptions, 'tls'> & Partial<Pick<EndpointOptions, 'accept' | 'config' | 'tokenKey' | 'resetKey'>>,
  ) {
    const recorder = programRecorder();
    this.observerOf = (quic) => recorder.http3Of(quic);
    const bytes = options.socketBytes ?? SOCKET_BYTES;
    this.socket = UdpSocket.open({ address, port, waited: true, receiveBufferBytes: bytes, sendBufferBytes: bytes });
    this.endpoint = new Endpoint({
      config: DEFAULT_ENDPOINT_CONFIG,
      quic: {
        ...DEFAULT_CONFIG,
        ...defined(options.transport),
        controller: controllerNamed(options.congestionControl ?? DEFAULT_CONTROLLER),
      },
      crypto: opensslCrypto,
      random: systemRandom,
      tokenKey: randomFillSync(new Uint8Array(32)),
      resetKey: randomFillSync(new Uint8Array(32)),
      observe: (connection) => recorder.observe(connection),
      ...ports,
    });
    const look = options.lookout === false ? undefined : (mostUs: number) => this.socket.look(mostUs);
    this.#driver = new QuicDriver({ socket: this.socket, endpoint: this.endpoint, look });
  }

  /** Gives the last packets time to leave, then closes the socket. */
  async close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    this.#driver.close();
  }
}
