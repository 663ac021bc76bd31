/** Many clients in one process, as `cloudbridge connect` is one but for the TUN: a few sockets, a QUIC connection and a CONNECT-IP tunnel each. */
import { IpTunnels } from '#client/ip-tunnels.ts';
import { parseServer, type ServerAddress } from '#client/server-address.ts';
import { tlsFor } from '#client/trust.ts';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import type { Http3Sink } from '#protocol/http3/api.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import type { Http3Settings } from '#protocol/http3/settings.ts';
import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { addressAfter, type CrowdCommand, type CrowdOrder, type CrowdReport, nowMs } from './order.ts';

const KEEP_ALIVE_US = 1_000_000;
const AGAIN_MS = 250;
/** Handshakes that are under way at once before the storm: then nothing holds anybody back. */
const GENTLE = 24;
const COUNT_EVERY_MS = 100;

interface Line {
  readonly endpoint: Endpoint;
  readonly driver: QuicDriver;
}

/** One client: whenever its connection ends it begins another, by its ticket. */
class Guest implements Http3Sink {
  readonly #crowd: Crowd;
  readonly #line: Line;
  readonly #token: string;
  #tunnels: IpTunnels | undefined;
  #binding: Http3Binding | undefined;
  #connection: Connection | undefined;
  #ticket: Uint8Array | undefined;
  #isReady = false;
  #isOver = true;
  isOpen = false;
  openedAt = 0;
  resumed = false;

  constructor(crowd: Crowd, line: Line, token: string) {
    this.#crowd = crowd;
    this.#line = line;
    this.#token = token;
  }

  connect(): void {
    const { server, remote } = this.#crowd;
    this.#isReady = false;
    this.#isOver = false;
    this.resumed = false;
    const { driver } = this.#line;
    this.#tunnels = new IpTunnels(
      undefined,
      { receiveBuffer: driver.receiveBuffer, send: (receive) => driver.run(receive) },
      {
        opened: () => this.#opened(),
        refused: ({ status, detail }) => this.#lose(`refused: ${status} ${detail}`),
        lost: (reason) => this.#lose(`tunnel: ${reason}`),
      },
    );
    this.#binding = new Http3Binding((quic) => new Http3Connection(quic, this, { grease: 0 }));
    this.#connection = this.#line.endpoint.connect(
      {
        ...{ remote, serverName: server.host, alpn: ['h3'], sink: this.#binding },
        ...(this.#ticket === undefined ? {} : { ticket: this.#ticket }),
      },
      nowUs(),
    );
  }

  #opened(): void {
    this.isOpen = true;
    this.openedAt = nowMs();
    this.#crowd.opened(this);
  }

  #lose(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.isOpen = false;
    this.#tunnels?.forget();
    this.#binding?.bind(this.#connection as Connection).close();
    this.#crowd.lost(this, reason);
  }

  handshakeComplete(_http3: Http3Connection, { resumed }: HandshakeInfo): void {
    this.resumed = resumed;
  }

  settings(http3: Http3Connection, _settings: Http3Settings): void {
    if (this.#isReady || this.#isOver) return;
    this.#isReady = true;
    if (!this.#tunnels?.open(http3, this.#crowd.server.authority, this.#token)) this.#lose('no room for a tunnel');
  }

  ticket(_http3: Http3Connection, data: Uint8Array): void {
    this.#ticket = data;
  }

  connectionClosed(_http3: Http3Connection, { by, code, reason }: CloseInfo): void {
    this.#lose(`closed by ${by}: ${code} ${reason}`);
  }

  goaway(): void {
    this.#lose('GOAWAY');
  }

  handshakeConfirmed(): void {}
  request(): void {}
  drained(): void {}
  datagramWritable(): void {}
  response(): void {}
  body(): void {}
  trailers(): void {}
  end(): void {}
  aborted(): void {}
  stopSending(): void {}
  datagram(): void {}
  writable(): void {}
  closed(): void {}
  streamsAvailable(): void {}
}

const tell = (report: CrowdReport): void => void process.send?.(report);

class Crowd {
  readonly server: ServerAddress;
  readonly remote: Int32Array;
  readonly #guests: readonly Guest[];
  readonly #waiting: Guest[];
  readonly #failures = new Map<string, number>();
  /** 0: not yet. */
  #stormAt = 0;
  #told = -1;

  constructor({ server, ca, firstAddress, sockets, tokens }: CrowdOrder) {
    const parsed = parseServer(server);
    if (typeof parsed === 'string') throw new Error(parsed);
    this.server = parsed;
    this.remote = addressOf(parsed.host, parsed.port);
    const tls = tlsFor({ caFile: ca });
    const lines = Array.from({ length: sockets }, (_, i): Line => {
      const sizes = { receiveBufferBytes: 8 << 20, sendBufferBytes: 8 << 20 };
      const socket = UdpSocket.open({ address: addressAfter(firstAddress, i), port: 0, waited: true, ...sizes });
      const endpoint = new Endpoint({
        config: DEFAULT_ENDPOINT_CONFIG,
        quic: {
          ...DEFAULT_CONFIG,
          controller: controllerNamed(DEFAULT_CONTROLLER),
          keepAliveUs: KEEP_ALIVE_US,
          initialDatagramBytes: 1331,
        },
        ...{ crypto: opensslCrypto, tls, random: systemRandom, tokenKey: new Uint8Array(32) },
      });
      return { endpoint, driver: new QuicDriver({ socket, endpoint, receiveMessages: 4 }) };
    });
    this.#guests = tokens.map((token, i) => new Guest(this, lines[i % sockets] as Line, token));
    this.#waiting = [...this.#guests];
    for (let i = 0; i < GENTLE; i++) this.#waiting.pop()?.connect();
    setInterval(() => this.#count(), COUNT_EVERY_MS);
  }

  #count(): void {
    // Whoever does not know yet that its worker is gone is not there.
    const open = this.#guests.filter((guest) => guest.isOpen && guest.openedAt >= this.#stormAt).length;
    if (open === this.#told) return;
    this.#told = open;
    tell({ type: 'count', open });
  }

  opened(_guest: Guest): void {
    this.#waiting.pop()?.connect();
  }

  lost(guest: Guest, reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    // A stateless reset is followed by a new connection at once, what was refused by one a bit later.
    setTimeout(() => guest.connect(), guest.openedAt < this.#stormAt ? 0 : AGAIN_MS);
  }

  take(command: CrowdCommand): void {
    if (command === 'storm') {
      this.#stormAt = nowMs();
      this.#failures.clear();
      this.#count();
      return;
    }
    const at = this.#guests.map(({ isOpen, openedAt }) => (isOpen && openedAt >= this.#stormAt ? openedAt : 0));
    const resumed = this.#guests.filter((guest) => guest.isOpen && guest.resumed).length;
    tell({ type: 'back', at, resumed, failures: Object.fromEntries(this.#failures) });
  }
}

process.once('message', (order: CrowdOrder) => {
  const crowd = new Crowd(order);
  process.on('message', (command: CrowdCommand) => crowd.take(command));
});
process.on('disconnect', () => process.exit());
